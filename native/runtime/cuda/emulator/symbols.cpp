// Names for code addresses, from the program's debug information by addr2line: only for messages, so its cost does not
// matter.
#include <unistd.h>

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

CodePlace find_code(const void* address) {
  static std::map<const void*, CodePlace> known;
  if (auto found = known.find(address); found != known.end()) return found->second;
  char command[128];
  std::snprintf(command, sizeof command, "addr2line -s -f -C -e /proc/%d/exe %#llx 2>/dev/null", static_cast<int>(getpid()),
                static_cast<unsigned long long>(static_cast<const char*>(address) - &__executable_start));
  CodePlace place = {"a kernel", "?"};
  if (FILE* file = popen(command, "r")) {
    place.function = short_name(line_of(file));
    std::string line = line_of(file);
    place.line = line.substr(0, line.find(" ("));
    pclose(file);
  }
  return known[address] = place;
}

}  // namespace kantor::emulator
