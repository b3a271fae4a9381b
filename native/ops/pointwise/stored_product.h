// The epilogue of a product that a library stored, as a kernel of its own: out = program(product).
#pragma once
#include "ops/pointwise/pointwise.h"
#include "runtime/cuda/recorder.h"

namespace kantor::cuda {

// Whether all that the program does is to store the product in its one output.
bool stores_product(const PwProgram& program);

// product: program.rows * program.cols elements, none of which lies in an output. Operand k of the program is
// node.in[first_in + k], store b node.out[b].
void enqueue_epilogue(const Node& node, const PwProgram& program, size_t first_in, const float* product, Recorder& r);

}  // namespace kantor::cuda
