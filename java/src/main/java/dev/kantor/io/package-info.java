/**
 * Files: arrays and pictures in the formats other tools read, written whole or not at all, read
 * with every claim of their headers checked. Content that is not what it should be is a {@link
 * dev.kantor.io.FormatException}; a disk that fails, a plain {@link java.io.IOException}.
 */
package dev.kantor.io;
