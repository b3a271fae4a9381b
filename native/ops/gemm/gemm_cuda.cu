#include "ops/gemm/gemm.h"

#include "ops/gemm/gemm_body.h"

namespace kantor::cuda {

namespace {

template <class Tile, bool transpose_a, bool transpose_b, class Table>
void enqueue(const Node& node, GemmArguments g, const Table& epilogue, Recorder& r) {
  g.tile_cols = ceil_div(g.n, Tile::kCols);
  int tiles = ceil_div(g.m, Tile::kRows) * g.tile_cols;
  // (Four warps, which is what a large tile's block has, hide little of what memory takes: two blocks a multiprocessor.)
  constexpr int kBlocks = std::is_same_v<Tile, LargeTile> ? 2 * TileParts::kBlocks : TileParts::kBlocks;
  g.parts = TileParts::of<Tile>(tiles, g.depth, r, kBlocks);
  with_precision(node.precision, [&](auto precision) {
    r.launch<GemmBody<Tile, precision.value, transpose_a, transpose_b, Table>>(tiles * g.parts.parts, {g, epilogue});
  });
}

template <class Tile, class Table>
void enqueue(const Node& node, const GemmArguments& g, const Table& epilogue, Recorder& r) {
  if (node.attributes[0])
    node.attributes[1] ? enqueue<Tile, true, true>(node, g, epilogue, r) : enqueue<Tile, true, false>(node, g, epilogue, r);
  else
    node.attributes[1] ? enqueue<Tile, false, true>(node, g, epilogue, r)
                       : enqueue<Tile, false, false>(node, g, epilogue, r);
}

bool in_fours(const Tensor& t) { return t.dims[1] % 4 == 0 && reinterpret_cast<uintptr_t>(t.data) % sizeof(float4) == 0; }

}  // namespace

void enqueue_gemm(const Node& node, Recorder& r) {
  size_t position = 2;
  PwProgram program = PwProgram::decode(node, &position, 2, 0, true);
  const Tensor &a = node.in[0], &b = node.in[1];
  GemmArguments g = {};
  g.a = a.f32();
  g.b = b.f32();
  g.m = extent(node, program.rows);
  g.n = extent(node, program.cols);
  g.depth = static_cast<int>(a.dims[node.attributes[0] ? 0 : 1]);
  extent(node, a.count());
  extent(node, b.count());
  g.a_fours = in_fours(a), g.b_fours = in_fours(b);
  with_table(node, program, 2, 0, [&](const auto& epilogue) {
    // Large tiles where they are enough, or a few parts of each are. (More would take longer to add up than they gain.)
    constexpr int kFewParts = 4;
    int large = ceil_div(g.m, LargeTile::kRows) * ceil_div(g.n, LargeTile::kCols);
    // (A program that needs the large table is too rare to have a kernel of its own for these.)
    if constexpr (std::is_same_v<std::remove_cvref_t<decltype(epilogue)>, SmallPw>)
      if (large * std::min(kFewParts, TileParts::most(g.depth)) >= TileParts::kEnough) return enqueue<LargeTile>(node, g, epilogue, r);
    enqueue<SmallTile>(node, g, epilogue, r);
  });
}

}  // namespace kantor::cuda
