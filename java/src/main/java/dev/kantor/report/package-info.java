/**
 * Pictures of results: sample grids, curves, histograms and point clouds as PNG, drawn with nothing
 * but arithmetic, so that they come out the same on a machine with no fonts and no display.
 */
package dev.kantor.report;
