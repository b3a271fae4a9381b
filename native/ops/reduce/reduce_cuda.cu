#include "ops/reduce/reduce.h"

#include "ops/reduce/reduce_body.h"

namespace kantor::cuda {

namespace {

template <class Table>
void enqueue(const Table& p, Sums s, ReduceKind kind, Recorder& r) {
  bool columns = kind == ReduceKind::columns;
  int terms = columns ? p.rows : p.rows / s.sums * p.cols;                    // of a sum
  s.terms = columns ? kRowLanes * kFloatTerms : kBlockElements;
  s.parts = ceil_div(terms, s.terms);
  int tiles = columns ? ceil_div(p.cols, kColumns) : s.sums;
  if (s.parts > 1) {
    s.partial = r.scratch<double>(static_cast<int64_t>(s.parts) * s.sums);
    s.tickets = r.tickets(tiles);
  }
  int blocks = tiles * s.parts;
  constexpr int kFew = 512;  // terms that a warp adds alone
  if (columns)
    r.launch<SumColumnsBody<Table>>(blocks, {p, s});
  else if (terms <= kFew)
    r.launch<SumByWarpBody<Table>>(blocks, {p, s});
  else
    r.launch<SumBody<Table>>(blocks, {p, s});
}

}  // namespace

void enqueue_reduce(const Node& node, Recorder& r) {
  auto kind = static_cast<ReduceKind>(node.attributes[0]);
  size_t position = 4;
  PwProgram program = PwProgram::decode(node, &position, 0, 1, false);
  Sums s = {};
  s.out = node.out[0].f32();
  s.scale = node.attribute_f32(1);
  s.result = static_cast<int>(node.attributes[2]);
  s.sums = extent(node, node.out[0].count());
  with_table(node, program, 0, 1, [&](const auto& table) { enqueue(table, s, kind, r); }, s.result);
}

}  // namespace kantor::cuda
