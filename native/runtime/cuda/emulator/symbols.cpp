// Names for code addresses, from the program's debug information by addr2line: only for messages, so its cost does not
// matter.
#include <link.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <map>

#include "runtime/cuda/emulator/machine.h"

namespace kantor::emulator {

namespace {

std::string line_of(FILE* file) {
  char text[1024] = "";
  if (!std::fgets(text, sizeof text, file)) return "?";
  text[std::strcspn(text, "\n")] = 0;
  return text;
}

// Without the arguments' types and the enclosing namespaces' spelling of the anonymous one.
std::string short_name(std::string name) {
  if (size_t at = name.find("(anonymous namespace)::"); at != std::string::npos)
    name.erase(0, at + std::strlen("(anonymous namespace)::"));
  if (size_t at = name.find('('); at != std::string::npos) name.resize(at);
  if (name.rfind("void ", 0) == 0) name.erase(0, 5);
  return name.substr(0, name.find_last_not_of(' ') + 1);
}

}  // namespace

const Module& own_module() {
  static const Module own = [] {
    Module found = {};
    dl_iterate_phdr(
        [](dl_phdr_info* info, size_t, void* result) {
          Module m = {info->dlpi_addr, ~uintptr_t{0}, 0, info->dlpi_name};
          for (int i = 0; i < info->dlpi_phnum; ++i) {
            const auto& part = info->dlpi_phdr[i];
            if (part.p_type != PT_LOAD) continue;
            m.begin = std::min<uintptr_t>(m.begin, m.bias + part.p_vaddr);
            m.end = std::max<uintptr_t>(m.end, m.bias + part.p_vaddr + part.p_memsz);
          }
          uintptr_t here = reinterpret_cast<uintptr_t>(&machine);
          if (here < m.begin || here >= m.end) return 0;
          *static_cast<Module*>(result) = m;
          return 1;
        },
        &found);
    if (found.file.empty()) found.file = "/proc/" + std::to_string(getpid()) + "/exe";
    return found;
  }();
  return own;
}

CodePlace find_code(const void* address) {
  static std::map<const void*, CodePlace> known;
  if (auto found = known.find(address); found != known.end()) return found->second;
  char number[24];
  std::snprintf(number, sizeof number, "%#llx",
                static_cast<unsigned long long>(reinterpret_cast<uintptr_t>(address) - own_module().bias));
  std::string command = "addr2line -s -f -C -e '" + own_module().file + "' " + number + " 2>/dev/null";
  CodePlace place = {"a kernel", "?"};
  if (FILE* file = popen(command.c_str(), "r")) {
    place.function = short_name(line_of(file));
    std::string line = line_of(file);
    place.line = line.substr(0, line.find(" ("));
    pclose(file);
  }
  return known[address] = place;
}

}  // namespace kantor::emulator
