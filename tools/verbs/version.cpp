// The verb version: one line, or {"version", "build", "threads", "instructions"} as JSON.
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <string_view>

#include "ops/kernels/parallel.h"
#include "ops/kernels/simd/instruction_set.h"
#include "tools/verbs/verbs.h"

namespace chainrule {
namespace {

struct VersionOptions {
  bool json = false;
};

int run_version(const VersionOptions& o) {
#ifdef NDEBUG
  constexpr std::string_view kBuild = "release";
#else
  constexpr std::string_view kBuild = "debug";
#endif
  if (o.json)
    print_json({{"version", CHAINRULE_VERSION},
                {"build", kBuild},
                {"threads", num_threads()},
                {"instructions", kernels::instruction_set()}});
  else
    fmt::print("chainrule {} ({}{}, {} threads, {} instructions)\n", CHAINRULE_VERSION, kBuild,
               kBuild == "debug" ? ": slow, with assertions" : "", num_threads(), kernels::instruction_set());
  return 0;
}

}  // namespace

void add_version_verb(CommandLine& app) {
  add_verb<VersionOptions>(
      app, "version", "The version and what it was built with", "chainrule version",
      [](CLI::App& verb, VersionOptions& o) { verb.add_flag("--json", o.json, "One JSON object instead of a line"); },
      run_version);
}

}  // namespace chainrule
