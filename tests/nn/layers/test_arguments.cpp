// What printing and errors say of a layer's options.
#include <doctest/doctest.h>

#include <set>

#include "nn/layers.h"
#include "nn/layers/registry.h"
#include "nn/print.h"
#include "tests/nn/layers/rows.h"
#include "tests/text.h"

using namespace chainrule;
using chainrule::testing::contains;

TEST_CASE("layers say the options that they were made with, and leave out the usual ones") {
  const std::pair<const char*, const char*> rows[] = {
      {"Conv1d(2, 4, 3)", "kernel_size=3"},
      {"Conv1d(2, 4, 3, stride=2, padding=1, dilation=2, groups=2, bias=False)",
       "kernel_size=3, stride=2, padding=1, dilation=2, groups=2, bias=False"},
      {"Conv2d(2, 4, (3, 5), padding='same', padding_mode='reflect')",
       "kernel_size=(3, 5), padding='same', padding_mode='reflect'"},
      {"Conv2d(2, 4, 5, stride=(1, 2), padding_mode='circular')",
       "kernel_size=5, stride=(1, 2), padding_mode='circular'"},
      {"ConvTranspose2d(4, 2, 3, stride=2, output_padding=1)", "kernel_size=3, stride=2, output_padding=1"},
      {"MaxPool1d(3)", "kernel_size=3"},
      {"MaxPool1d(3, stride=1, padding=1, dilation=2, ceil_mode=True)",
       "kernel_size=3, stride=1, padding=1, dilation=2, ceil_mode=True"},
      {"MaxPool2d((2, 3), stride=2)", "kernel_size=(2, 3), stride=2"},
      {"AvgPool1d(4, count_include_pad=False)", "kernel_size=4, count_include_pad=False"},
      {"AvgPool2d(4, padding=(2, 1), divisor_override=3)", "kernel_size=4, padding=(2, 1), divisor_override=3"},
      {"MaxUnpool2d(2, stride=1)", "kernel_size=2, stride=1"},
      {"Dropout()", "p=0.5"},
      {"Dropout2d(0.25)", "p=0.25"},
      {"BatchNorm2d(3)", ""},
      {"BatchNorm1d(3, eps=0.001, momentum=None)", "eps=0.001, momentum=None"},
      {"BatchNorm2d(3, affine=False, track_running_stats=False)",
       "num_features=3, affine=False, track_running_stats=False"},
      {"InstanceNorm2d(3, affine=True)", "affine=True"},
      {"LayerNorm((3, 4))", ""},
      {"LayerNorm((3, 4), elementwise_affine=False)", "normalized_shape=(3, 4), elementwise_affine=False"},
      {"RMSNorm(4, eps=0.01)", "eps=0.01"},
      {"GroupNorm(2, 6)", "num_groups=2"},
  };
  for (const auto& row : rows) {
    const std::string text = row.first;
    CAPTURE(text);
    CHECK(make_layer(text)->arguments() == row.second);
  }
}

TEST_CASE("a printed network and an error show the options") {
  Sequential net(Conv2d(1, 2, {.kernel_size = 5, .padding = 2}), MaxPool2d(2));
  CHECK(contains(to_string(net), "0: Conv2d(kernel_size=5, padding=2)"));
  CHECK(contains(to_string(net), "1: MaxPool2d(kernel_size=2)"));
  std::string message;
  try {
    (void)net(zeros({1, 3, 8, 8}));
  } catch (const Error& error) {
    message = error.what();
  }
  CHECK_MESSAGE(contains(message, "; Conv2d(kernel_size=5, padding=2) has weight (2, 1, 5, 5), bias (2,)"), message);
}

TEST_CASE("an empty handle is named, whatever layer it is given to") {
  std::set<std::string> seen;
  for (const layer_rows::Row& row : layer_rows::rows()) {
    const layer_rows::Made made = layer_rows::make(row);
    if (made.inputs.size() != 1 || !seen.insert(row.name()).second) continue;
    CAPTURE(row.text);
    std::string message;
    try {
      (void)layer_rows::Made{made.layer, {Tensor()}}.call();
    } catch (const EmptyHandleError& error) {
      message = error.what();
    }
    CHECK_MESSAGE(contains(message, " is an empty tensor handle (made by default or moved from)"), message);
  }
  CHECK(seen.size() >= 50);
  MultiheadAttention attention(4, 2);
  const Tensor x = zeros({3, 1, 4});
  CHECK_THROWS_WITH_AS((void)attention(x, Tensor(), x),
                       doctest::Contains("MultiheadAttention: key is an empty tensor handle"), EmptyHandleError);
}
