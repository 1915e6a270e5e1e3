// State by name: PyTorch's files, what does not fit (one error for all of it, nothing changed), parts, shared tensors.
#include "nn/files/state.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "engine/files/array_files.h"
#include "engine/types/error.h"
#include "nn/layers.h"
#include "nn/pattern.h"
#include "tests/engine/files/array_bytes.h"
#include "tests/temporary_folder.h"

using namespace chainrule;
using namespace chainrule::testing;

namespace {

const std::string kFiles = CHAINRULE_SOURCE_DIR "/tests/nn/files/";
using Names = std::vector<std::string>;

struct Net : Module {
  Child<Conv2d> conv{*this, "conv", 1, 4, {.kernel_size = 3, .padding = 1}};
  Child<Linear> out{*this, "out", 4 * 4 * 4, 3};
  Tensor forward(const Tensor& x) override { return out(flatten(max_pool2d(relu(conv(x)), 2), 1)); }
};

/// Two heads that are one module, and a tensor with two names.
struct Shared : Module {
  std::shared_ptr<Linear> first = add_child("first", make<Linear>(2, 2));
  Child<ReLU> between{*this, "between"};
  std::shared_ptr<Linear> again = add_child("again", first);
  Parameter tied{*this, "tied", first->weight};
  Buffer count{*this, "count", zeros({}, DType::int64)};
};

std::vector<double> numbers_of(const ModuleBase& net) {
  std::vector<double> all;
  for (const NamedTensor& one : net.state())
    for (const double v : one.tensor.to_vector()) all.push_back(v);
  return all;
}

void check_same(const std::vector<NamedTensor>& a, const std::vector<NamedTensor>& b) {
  REQUIRE(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    CHECK(a[i].name == b[i].name);
    CHECK(a[i].tensor.dtype() == b[i].tensor.dtype());
    CHECK(a[i].tensor.shape() == b[i].tensor.shape());
    CHECK(a[i].tensor.to_vector() == b[i].tensor.to_vector());
  }
}

}  // namespace

TEST_CASE("state: PyTorch's state dict fits by name, and the network answers as there") {
  Net net;
  const LoadReport report = load_state(net, kFiles + "torch.npz");
  CHECK(report.loaded == Names{"conv.weight", "conv.bias", "out.weight", "out.bias"});
  CHECK(report.missing.empty());
  const NoGrad only_values;
  const auto y = net(read_array(kFiles + "torch_run.npz", "x")).to_vector();
  const auto expected = read_array(kFiles + "torch_run.npz", "y").to_vector();
  REQUIRE(y.size() == expected.size());
  for (std::size_t i = 0; i < y.size(); ++i) CHECK(y[i] == doctest::Approx(expected[i]).epsilon(1e-5));
}

TEST_CASE("state: half and bfloat16 become the float32 that PyTorch makes of them") {
  Net net;
  load_state(net, kFiles + "half.safetensors");
  check_same(state_dict(net), [&] {
    Net same;
    load_state(same, kFiles + "half_widened.npz");
    return state_dict(same);
  }());
}

TEST_CASE("state: both kinds of file give the same bits back") {
  const TemporaryFolder folder;
  Net net;
  for (const char* name : {"net.npz", "net.safetensors"}) {
    save_state(net, folder / name);
    Net other;
    CHECK(numbers_of(other) != numbers_of(net));
    load_state(other, folder / name);
    CHECK(numbers_of(other) == numbers_of(net));
  }
  CHECK(folder.entries() == 2);
  CHECK(fault([&] { save_state(net, folder / "net.pt"); }) ==
        "save_state: '" + folder / "net.pt" + "' must end in .npz or .safetensors");
  CHECK(contains(fault([&] { load_state(net, folder / "net.csv"); }), "must end in .npz or .safetensors"));
  CHECK(contains(fault([&] { load_state(net, folder / "none.npz"); }), "cannot read"));
}

TEST_CASE("state: the list is a copy, a network for evaluation is not touched") {
  Net net;
  const auto before = state_dict(net);
  const auto numbers = before[0].tensor.to_vector();
  const NoGrad in_place;
  net.conv.weight.fill_(7);
  CHECK(before[0].tensor.to_vector() == numbers);
  load_state(net, before);
  CHECK(net.conv.weight.to_vector() == numbers);
  CHECK(net.conv.weight.requires_grad());
}

TEST_CASE("state: one error names everything that does not fit, and nothing is changed") {
  Net net;
  auto list = state_dict(net);
  for (NamedTensor& one : list) one.tensor = zeros(one.tensor.shape());
  list[0].name = "conv1.weight";
  list[2].tensor = zeros({3, 65});
  list[3].tensor = zeros({3}, DType::float64);
  list.push_back({"extra", zeros({})});
  const auto before = numbers_of(net);
  CHECK(fault([&] { load_state(net, list); }) ==
        "load_state: the list does not fit Net, and nothing was changed; 1 of 4 names fit; missing: 'conv.weight'; "
        "unexpected: 'conv1.weight' and 'extra'; 'out.weight' has shape (3, 65), not (3, 64); 'out.bias' is float64, "
        "not float32");
  CHECK(numbers_of(net) == before);
  // Names that one side lacks may be left out; what has a name on both must fit.
  CHECK(contains(fault([&] { load_state(net, list, {.strict = false}); }),
                 "1 of 4 names fit; 'out.weight' has shape (3, 65), not (3, 64); 'out.bias' is float64, not float32"));
  CHECK(numbers_of(net) == before);
  list.erase(list.begin() + 2, list.begin() + 4);
  const LoadReport report = load_state(net, list, {.strict = false});
  CHECK(report.loaded == Names{"conv.bias"});
  CHECK(report.missing == Names{"conv.weight", "out.weight", "out.bias"});
  CHECK(report.unexpected == Names{"conv1.weight", "extra"});
  CHECK(fault([&] {
          load_state(net, {{"a", zeros({})}}, {.strict = false});
        }) ==
        "load_state: the list does not fit Net, and nothing was changed; 0 of 4 names fit; no name of it is known "
        "there");
  CHECK(contains(fault([&] { load_state(net, {{"a", zeros({})}, {"a", zeros({})}}); }), "'a' is given twice"));
  CHECK(contains(fault([&] { load_state(net, {{"a", Tensor()}}); }), "'a' is an empty tensor handle"));
}

TEST_CASE("state: a pattern takes a part") {
  Net net, other;
  const auto report = load_state(net, state_dict(other), {.only = "conv.*"});
  CHECK(report.loaded == Names{"conv.weight", "conv.bias"});
  CHECK(net.conv.weight.to_vector() == other.conv.weight.to_vector());
  CHECK(net.out.weight.to_vector() != other.out.weight.to_vector());
  auto list = state_dict(other);
  list.erase(list.begin());
  CHECK(contains(fault([&] { load_state(net, list, {.only = "conv.*"}); }), "missing: 'conv.weight'"));
  CHECK(contains(fault([&] { load_state(net, list, {.only = "cnov*"}); }), "no name fits the pattern 'cnov*'"));
  using internal::fits_pattern;
  CHECK((fits_pattern("", "") && fits_pattern("", "*") && fits_pattern("a.b", "a.?") && fits_pattern("aXbXc", "a*c")));
  CHECK((fits_pattern("aab", "*ab") && fits_pattern("conv1.weight", "*.weight")));
  CHECK(!(fits_pattern("a", "") || fits_pattern("", "?") || fits_pattern("ab", "a") || fits_pattern("abc", "*b")));
}

TEST_CASE("state: what is shared is listed once and found under each of its names") {
  Shared net;
  const auto list = state_dict(net);
  CHECK(list.size() == 3);  // first.weight, first.bias, count
  const auto aliases = net.aliases();
  REQUIRE(aliases.size() == 2);
  CHECK((aliases[0].name == "again" && aliases[0].first == "first"));
  CHECK((aliases[1].name == "tied" && aliases[1].first == "first.weight"));
  const TemporaryFolder folder;
  save_state(net, folder / "net.safetensors");
  CHECK(read_safetensors(folder / "net.safetensors").metadata.at("aliases") ==
        R"({"again":"first","tied":"first.weight"})");
  Shared other;
  load_state(other, folder / "net.safetensors");
  CHECK(numbers_of(other) == numbers_of(net));
  const Tensor w = ones({2, 2}), b = ones({2}), n = full({}, 5, DType::int64);
  load_state(other, {{"tied", w}, {"again.bias", b}, {"count", n}});
  CHECK(other.first->weight.to_vector() == w.to_vector());
  load_state(other, {{"tied", w}, {"first.weight", w}, {"again.weight", w}, {"again.bias", b}, {"count", n}});
  CHECK(contains(fault([&] {
                   load_state(other, {{"first.weight", w * 2}, {"tied", w}, {"first.bias", b}, {"count", n}});
                 }),
                 "'first.weight' and 'tied' are one tensor and would get different values"));
}

TEST_CASE("state: float32 widens into a float64 network; the other way would lose digits") {
  struct Wide : Module {
    Parameter w{*this, "w", zeros({2}, DType::float64)};
  } wide;
  struct Narrow : Module {
    Parameter w{*this, "w", zeros({2})};
  } narrow;
  load_state(wide, {{"w", tensor({0.1, 3}, {.dtype = DType::float32})}});
  CHECK(wide.w.to_vector() == std::vector<double>{static_cast<double>(0.1F), 3});
  CHECK(contains(fault([&] { load_state(narrow, state_dict(wide)); }), "'w' is float64, not float32"));
}

TEST_CASE("state: safetensors as written are read back, texts too, aligned and the same every time") {
  const std::vector<NamedTensor> arrays{{"b", tensor({true, false, true})},
                                        {"f\"\n", tensor({1.5, -2})},
                                        {"空", zeros({0, 3})},
                                        {"i", full({}, -5, DType::int64)},
                                        {"t", arange(6).set_requires_grad(false)}};
  const std::map<std::string, std::string> texts{{"a", "1\n\"x\""}, {"b", ""}};
  const std::string bytes = safetensors_bytes(arrays, texts);
  CHECK(bytes == safetensors_bytes(arrays, texts));
  const SafetensorsFile back = parse_safetensors_file(bytes, "x");
  CHECK(back.metadata == texts);
  REQUIRE(back.tensors.size() == arrays.size());
  for (const NamedTensor& one : back.tensors) {
    const auto same = std::find_if(arrays.begin(), arrays.end(), [&](const auto& a) { return a.name == one.name; });
    REQUIRE(same != arrays.end());
    CHECK(one.tensor.dtype() == same->tensor.dtype());
    CHECK(one.tensor.shape() == same->tensor.shape());
    CHECK(one.tensor.to_vector() == same->tensor.to_vector());
  }
  CHECK(back.tensors.back().name == "b");  // one byte each: last, so that wide ones are aligned
  CHECK(contains(fault([&] { safetensors_bytes({{"x", zeros({})}, {"x", zeros({})}}); }), "'x' is given twice"));
  CHECK(contains(fault([&] { safetensors_bytes({{"__metadata__", zeros({})}}); }), "can have the name"));
  CHECK(contains(fault([&] { safetensors_bytes({{"\xFF", zeros({})}}); }), "is not UTF-8"));
}
