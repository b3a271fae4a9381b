package dev.kantor.data;

import java.lang.foreign.MemorySegment;
import java.util.Optional;

/** Samples of one kind, in native memory that lives as long as it is reachable. */
public sealed interface DataSet permits ImageSet, PointSet {
  /** What it is called in messages and manifests. */
  String name();

  /** How many samples there are. */
  int count();

  /** How many classes or modes the labels tell apart; 0 without labels. */
  int classes();

  /** One 32-bit class number in [0, classes) a sample. */
  Optional<MemorySegment> labels();

  /** SHA-256 of shape, samples and labels: equal content, equal fingerprint. */
  String fingerprint();
}
