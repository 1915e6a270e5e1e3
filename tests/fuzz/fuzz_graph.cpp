// libFuzzer: any text as the JSON of a graph, with and without a program in it; what it holds is evaluated, for a
// limited time.
#include "engine/memory/pool.h"
#include "ops/ops.h"
#include "tests/fuzz/fuzz.h"
#include "tools/program/graph_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace chainrule;
  set_memory_limit(std::size_t{4} << 20);
  return testing::expect_value_or_error(data, size, [](std::string_view text) {
    ProgramOptions options;
    options.timeout = 0.2;
    Bindings bindings;
    const ProgramOptions read = parse_graph_file(std::string(text), "fuzz.json", options, bindings);
    evaluate(parse(read.program), bindings.names, {.deadline = deadline_in(options.timeout)});
  });
}
