/**
 * Trainings of several variants, side by side: what each is worth at equally many images seen, and
 * which of the theory's claims the numbers hold up.
 */
package dev.kantor.compare;
