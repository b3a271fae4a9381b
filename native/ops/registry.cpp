#include "runtime/op.h"

namespace kantor {

#define KANTOR_OP(name)              \
  void validate_##name(const Node&); \
  void reference_##name(const Node&);
#include "ops/ops.def"
#undef KANTOR_OP

#if defined(__x86_64__)
#define KANTOR_ISAS(F, name) F(portable, name) F(avx2, name) F(avx512, name)
#define KANTOR_PREPARES(name) {portable::prepare_##name, avx2::prepare_##name, avx512::prepare_##name}
#else
#define KANTOR_ISAS(F, name) F(portable, name)
#define KANTOR_PREPARES(name) {portable::prepare_##name, nullptr, nullptr}
#endif
#define KANTOR_DECLARE_PREPARE(isa, name) \
  namespace isa {                         \
  void prepare_##name(const Node&, Plan&); \
  }
#define KANTOR_OP(name) KANTOR_ISAS(KANTOR_DECLARE_PREPARE, name)
#include "ops/ops.def"
#undef KANTOR_OP

const OpEntry* find_op(std::string_view name) {
  static const OpEntry table[] = {
#define KANTOR_OP(op) {#op, validate_##op, reference_##op, KANTOR_PREPARES(op)},
#include "ops/ops.def"
#undef KANTOR_OP
  };
  for (const OpEntry& entry : table)
    if (name == entry.name) return &entry;
  return nullptr;
}

}  // namespace kantor
