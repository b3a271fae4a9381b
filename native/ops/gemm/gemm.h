// gemm: C = epilogue(op(A) * op(B)), op(A) [M, K], op(B) [K, N], row-major float32.
//
//   in[0]: A, [M, K], or [K, M] with transpose_a      in[1]: B, [K, N], or [N, K] with transpose_b
//   in[2..]: operands of the epilogue                 out: the epilogue's stores, each [M, N] (overwritten)
//   attributes: transpose_a, transpose_b, program     rows = M, cols = N; `accumulator` is the product's element
//
// A program with no instructions stores the product in out[0]. To accumulate, the epilogue adds an operand that is out itself.
// An output may be an elementwise operand of the epilogue; it must not overlap A or B.
// The order of each element's sum over K is fixed by the shape alone: two runs, and any number of threads, agree bit for bit.
#pragma once
#include "ops/pointwise/pointwise.h"

namespace kantor {
void validate_gemm(const Node&);
void reference_gemm(const Node&);
}  // namespace kantor
