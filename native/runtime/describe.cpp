#include <cstdio>

#include "runtime/handles.h"

namespace kantor {

namespace {

std::string quoted(const std::string& text) {
  std::string out(1, '"');
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) < ' ') {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", c);
      out += escape;
    } else {
      out += c;
    }
  }
  out += '"';
  return out;
}

std::string field(const char* name, uint64_t value) { return quoted(name) + ": " + std::to_string(value); }
std::string field(const char* name, const std::string& value) { return quoted(name) + ": " + quoted(value); }

std::string shapes(const Node& node) {
  std::string text;
  auto list = [&](const std::vector<Tensor>& tensors) {
    for (size_t i = 0; i < tensors.size(); ++i) {
      if (i) text += ", ";
      text += tensors[i].describe();
    }
  };
  list(node.in);
  text += node.in.empty() ? "-> " : " -> ";
  list(node.out);
  return text;
}

}  // namespace

std::string describe(const kt_device& device) {
  DeviceFacts facts = device.backend->facts();
  return std::string("{") + field("name", device.name) + ", " + field("kind", facts.kind) + ", " +
         field("isa", facts.isa) + ", " + field("threads", static_cast<uint64_t>(facts.threads)) + ", " +
         field("processor", facts.processor) + (facts.details.empty() ? "" : ", " + facts.details) +
         (device.note.empty() ? "" : ", " + field("note", device.note)) + "}";
}

std::string describe(const kt_program& program) {
  const Executor& executor = *program.executor;
  std::string text = std::string("{") + field("arenaBytes", program.program.arena_bytes) + ", " +
                     field("scratchBytes", executor.scratch_bytes()) + ", " + field("stages", executor.stages()) +
                     (executor.details.empty() ? "" : ", " + executor.details) + ", \"instructions\": [";
  std::vector<Profile> profile = executor.profile();
  for (size_t i = 0; i < profile.size(); ++i) {
    const Instruction& instruction = program.program.instructions[i];
    text += std::string(i ? ",\n" : "\n") + "{" + field("index", i) + ", " + field("op", instruction.name) + ", " +
            field("shapes", shapes(instruction.node)) + ", " + field("ns", profile[i].ns) + ", " +
            field("calls", profile[i].calls) + "}";
  }
  return text + "]}\n";
}

}  // namespace kantor
