package dev.kantor.data;

/**
 * A decoded picture of any size.
 *
 * @param planes [channels][height * width], values 0 to 255
 */
record Picture(int height, int width, float[][] planes) {}
