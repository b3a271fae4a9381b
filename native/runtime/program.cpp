#include "runtime/program.h"

#include <cstring>

namespace kantor {

namespace {

using ull = unsigned long long;

// Reads the bytes in order and never past their end.
class Cursor {
 public:
  Cursor(const std::byte* bytes, uint64_t size) : at_(bytes), left_(size) {}

  template <class T>
  T read(const char* what) {
    T value;
    std::memcpy(&value, take(sizeof(T), what), sizeof(T));
    return value;
  }
  std::string text(uint64_t length) {
    return std::string(reinterpret_cast<const char*>(take(length, "the name of an op")), length);
  }
  // A count of items of at least item_bytes each: it cannot be larger than what is left, so nothing absurd gets
  // allocated.
  uint32_t count(uint64_t item_bytes, const char* what) {
    uint32_t n = read<uint32_t>(what);
    if (n > left_ / item_bytes)
      fail(KT_INVALID_ARGUMENT, "the program says %s is %u, but only %llu bytes follow", what, n,
           static_cast<ull>(left_));
    return n;
  }
  uint64_t left() const { return left_; }

 private:
  const std::byte* take(uint64_t size, const char* what) {
    if (size > left_)
      fail(KT_INVALID_ARGUMENT, "the program ends inside %s: %llu bytes are needed, %llu are left", what,
           static_cast<ull>(size), static_cast<ull>(left_));
    const std::byte* here = at_;
    at_ += size;
    left_ -= size;
    return here;
  }

  const std::byte* at_;
  uint64_t left_;
};

DType read_dtype(Cursor& cursor) {
  uint32_t dtype = cursor.read<uint32_t>("a dtype");
  if (dtype > static_cast<uint32_t>(DType::i64)) fail(KT_INVALID_ARGUMENT, "no such dtype: %u", dtype);
  return static_cast<DType>(dtype);
}

// Shape and range: every dimension at least 1, the product and the end of the range without overflow, inside slot or
// arena.
Place read_operand(Cursor& cursor, const Program& program, Tensor& tensor) {
  Place place;
  place.slot = cursor.read<uint32_t>("an operand");
  tensor.dtype = read_dtype(cursor);
  place.offset = cursor.read<uint64_t>("an operand's offset");
  uint32_t rank = cursor.read<uint32_t>("an operand's rank");
  if (rank > kMaxRank) fail(KT_INVALID_ARGUMENT, "rank %u; at most %d", rank, kMaxRank);
  tensor.rank = static_cast<int>(rank);
  int64_t bytes = size_of(tensor.dtype);
  for (uint32_t i = 0; i < rank; ++i) {
    tensor.dims[i] = cursor.read<int64_t>("an operand's shape");
    if (tensor.dims[i] < 1)
      fail(KT_INVALID_ARGUMENT, "dimension %u is %lld; it must be at least 1", i,
           static_cast<long long>(tensor.dims[i]));
    if (__builtin_mul_overflow(bytes, tensor.dims[i], &bytes))
      fail(KT_INVALID_ARGUMENT, "the shape's size in bytes overflows 64 bits");
  }
  if (place.slot != kArena && place.slot >= program.slots.size())
    fail(KT_INVALID_ARGUMENT, "slot %u; the program has %zu", place.slot, program.slots.size());
  uint64_t capacity = place.slot == kArena ? program.arena_bytes : program.slots[place.slot].bytes;
  if (place.offset > capacity || static_cast<uint64_t>(bytes) > capacity - place.offset)
    fail(KT_INVALID_ARGUMENT, "%s at offset %llu does not fit into the %llu bytes of %s", tensor.describe().c_str(),
         static_cast<ull>(place.offset), static_cast<ull>(capacity),
         place.slot == kArena ? "the arena" : ("slot " + std::to_string(place.slot)).c_str());
  return place;
}

void read_operands(Cursor& cursor, const Program& program, const char* role, uint32_t count,
                   std::vector<Tensor>& tensors, std::vector<Place>& places) {
  tensors.resize(count);
  places.resize(count);
  for (uint32_t i = 0; i < count; ++i) {
    try {
      places[i] = read_operand(cursor, program, tensors[i]);
    } catch (const Error& e) {
      throw e.in(std::string(role) + " " + std::to_string(i));
    }
  }
}

void read_instruction(Cursor& cursor, const Program& program, Instruction& instruction) {
  uint16_t length = cursor.read<uint16_t>("the name of an op");
  instruction.name = cursor.text(length);
  instruction.entry = find_op(instruction.name);
  if (!instruction.entry) {
    if (instruction.name.size() > 64) instruction.name.resize(64);
    for (char& c : instruction.name)
      if (c < ' ' || c > '~') c = '?';  // error texts are UTF-8
  }
  if (!instruction.entry) fail(KT_UNSUPPORTED, "this build has no such op");
  uint32_t flags = cursor.read<uint32_t>("an instruction's flags");
  uint32_t precision = flags >> kPrecisionShift & kPrecisionMask;
  if (flags & ~(kGuarded | kPrecisionMask << kPrecisionShift) || precision > static_cast<uint32_t>(Precision::bf16))
    fail(KT_INVALID_ARGUMENT, "unknown flags 0x%x", flags);
  instruction.guarded = flags & kGuarded;
  constexpr uint64_t kOperandBytes = 20, kAttributeBytes = 8;
  uint32_t in_count = cursor.count(kOperandBytes, "the number of inputs");
  uint32_t out_count = cursor.count(kOperandBytes, "the number of outputs");
  uint32_t attribute_count = cursor.count(kAttributeBytes, "the number of attributes");
  Node& node = instruction.node;
  node.op = instruction.entry->name;
  node.precision = static_cast<Precision>(precision);
  if (node.precision != Precision::fp32 && !has_precision(node.op))
    fail(KT_INVALID_ARGUMENT, "flags 0x%x ask for %s; only products and convolutions have a precision", flags,
         name_of(node.precision));
  read_operands(cursor, program, "input", in_count, node.in, instruction.in);
  read_operands(cursor, program, "output", out_count, node.out, instruction.out);
  node.attributes.reserve(attribute_count);
  for (uint32_t i = 0; i < attribute_count; ++i) node.attributes.push_back(cursor.read<int64_t>("an attribute"));
}

}  // namespace

Program read_program(const std::byte* bytes, uint64_t size) {
  Cursor cursor(bytes, size);
  Program program;
  uint32_t magic = cursor.read<uint32_t>("the header"), version = cursor.read<uint32_t>("the header");
  if (magic != kProgramMagic) fail(KT_INVALID_ARGUMENT, "not a program: it begins with 0x%08x", magic);
  if (version != kProgramVersion)
    fail(KT_INVALID_ARGUMENT, "the program has version %u, this library reads %u: use one release for both", version,
         kProgramVersion);
  uint32_t slot_count = cursor.count(12, "the number of slots");
  program.slots.reserve(slot_count);
  for (uint32_t i = 0; i < slot_count; ++i) {
    DType dtype = read_dtype(cursor);
    program.slots.push_back({dtype, cursor.read<uint64_t>("a slot")});
  }
  program.arena_bytes = cursor.read<uint64_t>("the header");
  program.fault_slot = cursor.read<uint32_t>("the header");
  if (program.fault_slot != kNoSlot) {
    if (program.fault_slot >= slot_count)
      fail(KT_INVALID_ARGUMENT, "fault slot %u; the program has %u slots", program.fault_slot, slot_count);
    const SlotDeclaration& slot = program.slots[program.fault_slot];
    if (slot.dtype != DType::i64 || slot.bytes < 4 * sizeof(int64_t))
      fail(KT_INVALID_ARGUMENT, "fault slot %u must be i64[4], not %llu bytes of %s", program.fault_slot,
           static_cast<ull>(slot.bytes), name_of(slot.dtype));
  }
  uint32_t instruction_count = cursor.count(18, "the number of instructions");
  program.instructions.reserve(instruction_count);
  for (uint32_t i = 0; i < instruction_count; ++i) {
    Instruction& instruction = program.instructions.emplace_back();
    try {
      read_instruction(cursor, program, instruction);
    } catch (const Error& e) {
      throw e.in("instruction " + std::to_string(i) + " (" + instruction.name + ")");
    }
  }
  if (cursor.left() != 0)
    fail(KT_INVALID_ARGUMENT, "%llu bytes follow the program's last instruction", static_cast<ull>(cursor.left()));
  return program;
}

}  // namespace kantor
