// The verb profile: where the time of a program and its gradient goes, operation by operation.
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

#include "engine/backward.h"
#include "engine/profile.h"
#include "ops/language/cost.h"
#include "tools/program/option_values.h"
#include "tools/verbs/verbs.h"

namespace chainrule {
namespace {

struct ProfileOptions : ProgramOptions {
  std::string wrt;
  std::string cotangent = "ones";
  int repeat = 10;
};

/// Rows of one operation and phase, whatever their shapes.
struct Line {
  std::string name;
  ProfilePhase phase{};
  std::uint64_t calls = 0, bytes = 0;
  double seconds = 0, flops = 0;
  bool counted = true;  // FLOPs are known: of forward calls
};

std::vector<Line> lines_of(const std::vector<ProfileRow>& rows) {
  std::vector<Line> lines;
  for (const ProfileRow& row : rows) {
    auto at = std::find_if(lines.begin(), lines.end(),
                           [&](const Line& l) { return l.name == row.name && l.phase == row.phase; });
    if (at == lines.end()) at = lines.insert(at, {.name = row.name, .phase = row.phase});
    at->calls += row.calls;
    at->bytes += row.input_bytes + row.output_bytes;
    at->seconds += row.seconds;
    at->counted &= row.phase == ProfilePhase::forward && row.shapes_known;
    if (at->counted) at->flops += static_cast<double>(row.calls) * flops_of(*row.info, row.inputs, row.output);
  }
  std::sort(lines.begin(), lines.end(), [](const Line& a, const Line& b) { return a.seconds > b.seconds; });
  return lines;
}

int run_profile(const ProfileOptions& o) {
  LoadedProgram loaded = load_program(o);
  hold_others(loaded, o.wrt);
  const auto step = [&] {
    Names names;
    const Tensor result = loaded.run(names);
    if (!result.requires_grad()) return;
    const auto wanted = wanted_inputs(loaded, names, "");
    std::vector<Tensor> inputs;
    inputs.reserve(wanted.size());
    for (const NamedTensor& input : wanted) inputs.push_back(input.tensor);
    (void)grad(std::vector{result}, inputs,
               {.allow_unused = true, .cotangents = {cotangent_for(result, o.cotangent, o)}});
  };
  step();  // warm: kernels prepared, buffers there
  const Profile profile;
  for (int i = 0; i < o.repeat; ++i) step();
  const auto lines = lines_of(profile.rows());
  double total = 0;
  for (const Line& l : lines) total += l.seconds;
  nlohmann::ordered_json all = nlohmann::ordered_json::array();
  if (!o.json)
    fmt::print("{:<24} {:<8} {:>8} {:>10} {:>7} {:>10} {:>9}\n", "operation", "phase", "calls", "ms a step", "share",
               "MB a step", "GFLOP/s");
  for (const Line& l : lines) {
    const char* phase = l.phase == ProfilePhase::forward ? "forward" : "backward";
    const double ms = 1e3 * l.seconds / o.repeat, mb = static_cast<double>(l.bytes) / o.repeat / 1e6;
    if (o.json)
      all.push_back({{"operation", l.name},
                     {"phase", phase},
                     {"calls", l.calls},
                     {"seconds", l.seconds},
                     {"bytes", l.bytes},
                     {"flops", l.counted ? nlohmann::ordered_json(l.flops) : nlohmann::ordered_json(nullptr)}});
    else
      fmt::print("{:<24} {:<8} {:>8} {:>10.4f} {:>6.1f}% {:>10.3f} {:>9}\n", l.name, phase,
                 l.calls / static_cast<std::uint64_t>(o.repeat), ms, total > 0 ? 100 * l.seconds / total : 0, mb,
                 l.counted && l.seconds > 0 ? fmt::format("{:.2f}", l.flops / l.seconds / 1e9) : "");
  }
  if (o.json)
    print_json({{"steps", o.repeat}, {"rows", all}});
  else
    fmt::print("{} steps, {:.4f} ms of operations a step\n", o.repeat, 1e3 * total / o.repeat);
  return 0;
}

}  // namespace

void add_profile_verb(CommandLine& app) {
  add_verb<ProfileOptions>(
      app, "profile", "Time, calls, bytes and FLOPs of each operation, forward and backward",
      "chainrule profile 'sum(tanh(x @ w))' 'x=randn(256,256)' 'w=randn(256,256)'",
      [](CLI::App& verb, ProfileOptions& o) {
        add_program_options(verb, o);
        verb.add_option("--repeat", o.repeat, "Measured steps, after one that warms up")
            ->capture_default_str()
            ->transform(whole_number(1, 1'000'000));
        verb.add_option("--wrt", o.wrt, "Inputs whose gradients are computed, as x,w; default: all");
        verb.add_option("--cotangent", o.cotangent, "Weights of a result of many numbers")->capture_default_str();
      },
      run_profile);
}

}  // namespace chainrule
