/**
 * What samples are worth: how many classes they cover, how close they are to real images, and the
 * judge that looks at them.
 */
package dev.kantor.metrics;
