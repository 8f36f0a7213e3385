/* The sizes of the R-Net, which three files compute each in its own way. */

#ifndef OOD_FACE_RNET_H
#define OOD_FACE_RNET_H

enum {
    SIDE = 24,
    SIDE1 = 22,     /* after the first convolution, */
    POOLED1 = 11,   /* the pooling, */
    SIDE2 = 9,      /* the second convolution, */
    POOLED2 = 4,    /* the pooling, */
    SIDE3 = 3,      /* and the third convolution */
    CHANNELS1 = 32, /* 28, padded */
    CHANNELS2 = 48, CHANNELS3 = 64, CHANNELS4 = 128, ANSWERS = 5,
    FLAT = SIDE3 * SIDE3 * CHANNELS3
};

#endif
