// chainrule bench as a program (rows, JSON, errors), and the arithmetic behind its columns.
#include <doctest/doctest.h>

#include <cctype>
#include <cmath>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "engine/system/process.h"
#include "tools/bench/measure.h"
#include "tools/bench/report.h"
#include "tools/bench/workloads.h"

using namespace chainrule;
using namespace chainrule::bench;

namespace {

const std::vector<std::string> kNames = {
    "scalar-graph", "elementwise-1e3", "elementwise-1e5", "elementwise-4e6", "matmul-512", "matmul-1024", "matmul-2048",
    "mlp-small",    "mlp-medium",      "mlp-large",       "simple-conv",     "deep-conv",  "vgg",         "diagram",
    "start"};

ProcessResult bench_command(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {CHAINRULE_COMMAND, "bench"});
  return run_process(arguments, {.time_limit = std::chrono::minutes(10)});
}

/// A strict reader of JSON: keeps the numbers and strings of all objects under their paths, "workloads.0.name".
class Json {
 public:
  explicit Json(const std::string& text) : text_(text) {
    value("");
    space();
    if (at_ != text_.size()) wrong();
  }
  std::map<std::string, std::string> leaves;
  bool good = true;

 private:
  void wrong() {
    good = false;
    at_ = text_.size();
  }
  void space() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
  }
  bool take(char c) {
    space();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  std::string string() {
    std::string out;
    while (at_ < text_.size() && text_[at_] != '"') {
      if (text_[at_] == '\\' &&
          (++at_ >= text_.size() || std::string("\"\\/bfnrt").find(text_[at_]) == std::string::npos))
        wrong();
      if (at_ < text_.size()) out += text_[at_++];
    }
    if (!take('"')) wrong();
    return out;
  }
  void value(const std::string& path) {
    const std::string prefix = path.empty() ? "" : path + ".";
    if (take('{')) {
      if (take('}')) return;
      do {
        if (!take('"')) return wrong();
        const std::string key = string();
        if (!take(':')) return wrong();
        value(prefix + key);
      } while (take(','));
      if (!take('}')) wrong();
    } else if (take('[')) {
      if (take(']')) return;
      int i = 0;
      do value(prefix + std::to_string(i++));
      while (take(','));
      if (!take(']')) wrong();
    } else if (take('"')) {
      leaves[path] = string();
    } else {
      space();
      const std::size_t begin = at_;
      while (at_ < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[at_])) ||
                                    std::string("+-.").find(text_[at_]) != std::string::npos))
        ++at_;
      const std::string word = text_.substr(begin, at_ - begin);
      char* end = nullptr;
      const double number = std::strtod(word.c_str(), &end);
      const bool is_number = !word.empty() && *end == '\0' && std::isfinite(number);
      if (!is_number && word != "true" && word != "false" && word != "null") return wrong();
      leaves[path] = word;
    }
  }
  const std::string& text_;
  std::size_t at_ = 0;
};

const Workload& find(const std::vector<Workload>& all, const std::string& name) {
  for (const Workload& w : all)
    if (w.name == name) return w;
  FAIL("there is no workload " << name);
  return all[0];
}

}  // namespace

TEST_CASE("bench: a row for every workload, and the machine above") {
  const ProcessResult result = bench_command({"--quick", "--threads", "1"});
  REQUIRE_MESSAGE(result.exit_code == 0, result.err);
  for (const Workload& w : workloads(true)) CHECK(result.out.find("\n" + w.title + " ") != std::string::npos);
  CHECK(result.out.find("\nstart, one gradient, exit ") != std::string::npos);
  CHECK(result.out.find("1 thread,") != std::string::npos);
  CHECK(result.out.find("multiply-add peak") != std::string::npos);
#if defined(NDEBUG) && defined(__OPTIMIZE__) && !defined(CHAINRULE_PLAIN_ALLOCATION)
  CHECK(result.err.find("WARNING") == std::string::npos);
#else
  CHECK(result.err.find("WARNING") != std::string::npos);
#endif
}

TEST_CASE("bench: --json is JSON and nothing else on stdout") {
  const ProcessResult result = bench_command({"--quick", "--json"});
  REQUIRE_MESSAGE(result.exit_code == 0, result.err);
  const Json json(result.out);
  REQUIRE(json.good);
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    const std::string row = "workloads." + std::to_string(i) + ".";
    CHECK(json.leaves.at(row + "name") == kNames[i]);
    const double median = std::stod(json.leaves.at(row + "seconds"));
    CHECK(median > 0);
    CHECK(std::stod(json.leaves.at(row + "least")) <= median);
    CHECK(std::stod(json.leaves.at(row + "upper_quartile")) >= median);
  }
  CHECK(json.leaves.size() > 14 * kNames.size() / 2);
  CHECK(json.leaves.count("workloads." + std::to_string(kNames.size()) + ".name") == 0);
  CHECK(std::stod(json.leaves.at("peak_flops_per_second")) > 1e6);
  CHECK(json.leaves.at("cpu") != "");
}

TEST_CASE("bench: one workload, and one that does not exist") {
  const ProcessResult one = bench_command({"--quick", "--workload", "matmul-512"});
  CHECK(one.exit_code == 0);
  CHECK(one.out.find("matrix product 512") != std::string::npos);
  CHECK(one.out.find("MLP") == std::string::npos);
  const ProcessResult none = bench_command({"--workload", "matmul-513"});
  CHECK(none.exit_code == 2);
  CHECK(none.out.empty());
  CHECK(none.err.find("'matmul-513'") != std::string::npos);
  for (const std::string& name : kNames) CHECK(none.err.find(name) != std::string::npos);
}

TEST_CASE("bench: floating-point operations of a step, counted by hand") {
  const auto all = workloads();
  // Multiplications and additions of forward, gradient by the weights and gradient by the input (not of the images).
  CHECK(find(all, "matmul-1024").flops == 2.0 * 1024 * 1024 * 1024);
  CHECK(find(all, "mlp-small").flops == 100 * (4.0 * 784 * 50 + 6.0 * 50 * 10));
  CHECK(find(all, "mlp-medium").flops == 128 * (4.0 * 784 * 512 + 6.0 * 512 * 512 + 6.0 * 512 * 10));
  CHECK(find(all, "simple-conv").flops == 100 * (4.0 * 30 * 24 * 24 * 25 + 6.0 * 30 * 12 * 12 * 100 + 6.0 * 100 * 10));
  const double deep = 4.0 * 16 * 28 * 28 * 9 + 6.0 * 16 * 28 * 28 * 16 * 9 + 6.0 * 32 * 14 * 14 * 16 * 9 +
                      6.0 * 32 * 16 * 16 * 32 * 9 + 6.0 * 64 * 8 * 8 * 32 * 9 + 6.0 * 64 * 8 * 8 * 64 * 9 +
                      6.0 * 64 * 4 * 4 * 50 + 6.0 * 50 * 10;
  CHECK(find(all, "deep-conv").flops == 100 * deep);
}

TEST_CASE("bench: quartiles lie between neighbours") {
  const Spread five = spread_of({5, 1, 4, 2, 3});
  CHECK(five.least == 1);
  CHECK(five.lower == 2);
  CHECK(five.median == 3);
  CHECK(five.upper == 4);
  CHECK(five.samples == 5);
  CHECK(spread_of({1, 2}).median == 1.5);
  CHECK(spread_of({7}).upper == 7);
  CHECK(spread_text(five) == "33 %");
}

TEST_CASE("bench: times in the unit that suits them") {
  CHECK(seconds_text(3.2e-9) == "3.20 ns");
  CHECK(seconds_text(40.4e-6) == "40.4 µs");
  CHECK(seconds_text(0.304) == "304 ms");
  CHECK(seconds_text(20) == "20.0 s");
  CHECK(seconds_text(0.9999) == "1.00 s");
  CHECK(bytes_text(168'000'000) == "168 MB");
}

TEST_CASE("bench: tables align letters, not bytes") {
  Table table({"work", "time"});
  table.add({"a", "9.0 µs"});
  table.add({"long", "10.0 ns"});
  CHECK(table.text() == "work     time\na      9.0 µs\nlong  10.0 ns\n");
  CHECK(table.markdown() == "| work | time |\n|---|---:|\n| a | 9.0 µs |\n| long | 10.0 ns |\n");
}
