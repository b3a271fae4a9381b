// Runs of the right samples, each against a plain loop.
#pragma once

namespace kantor::test {

// Nothing, or what is wrong: "tiled_product: element 3 is 1, expected 2".
const char* run_samples();

}  // namespace kantor::test
