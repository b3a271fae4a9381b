/**
 * What a GAN learns from: images and toy points with labels, read from IDX files or a folder of
 * pictures, fetched from a mirror, or drawn by the program itself. Everything lies in native
 * memory, ready to be handed to a device whole.
 */
package dev.kantor.data;
