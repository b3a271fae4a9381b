/**
 * A run on a live page: a server for the browser of the same machine, which reads the run's folder.
 */
package dev.kantor.watch;
