// Layers of texts: what they become, what follows from an input, and 60 configurations that are refused with a
// sentence.
#include <doctest/doctest.h>

#include "engine/types/error.h"
#include "nn/layers/registry.h"
#include "tests/nn/layers/rows.h"

using namespace chainrule;

TEST_CASE("a layer of a text is the layer of that call") {
  const auto conv = make_layer("Conv2d(3, 8, kernel_size=(5, 3), padding=1, bias=False)");
  CHECK(conv->kind() == "Conv2d");
  REQUIRE(conv->parameters().size() == 1);
  CHECK(conv->parameters()[0].tensor.shape() == Shape{8, 3, 5, 3});
  CHECK(make_layer("ReLU()")->kind() == "ReLU");
  CHECK(find_layer("Linear")->signature() == std::string("in_features, out_features, bias=True"));
  CHECK(find_layer("linear") == nullptr);
}

TEST_CASE("what the input says is left out") {
  const auto shape_of = [](const char* text, const Shape& input) {
    return make_layer(text, input)->parameters().at(0).tensor.shape();
  };
  CHECK(shape_of("Linear(10)", {32, 784}) == Shape{10, 784});
  CHECK(shape_of("Linear(out_features=10, in_features=5)", {32, 784}) == Shape{10, 5});
  CHECK(shape_of("Conv2d(6, 5, padding=2)", {1, 3, 28, 28}) == Shape{6, 3, 5, 5});
  CHECK(shape_of("BatchNorm2d()", {1, 7, 4, 4}) == Shape{7});
  CHECK(shape_of("LayerNorm()", {2, 5, 9}) == Shape{9});
  CHECK(make_layer("ReLU()", Shape{3})->kind() == "ReLU");
  CHECK_THROWS_WITH_AS(make_layer("Conv2d(6, 5)", Shape{3}),
                       "Conv2d: an input of shape (3,) has no axis 1 for in_channels", ShapeError);
}

namespace {
struct Refused {
  const char* text;
  const char* sentence;
};
}  // namespace

TEST_CASE("configurations that make no layer are refused with a sentence") {
  const Refused table[] = {
      {"Linear(0, 3)", "Linear: in_features must be at least 1, not 0"},
      {"Linear(3, -1)", "Linear: out_features must be at least 1, not -1"},
      {"Affine(0, 3)", "Affine: in_features must be at least 1, not 0"},
      {"Affine(3, 0)", "Affine: out_features must be at least 1, not 0"},
      {"Bilinear(0, 2, 2)", "Bilinear: in1_features must be at least 1, not 0"},
      {"Bilinear(2, 0, 2)", "Bilinear: in2_features must be at least 1, not 0"},
      {"Bilinear(2, 2, 0)", "Bilinear: out_features must be at least 1, not 0"},
      {"Conv1d(0, 2, 3)", "Conv1d: in_channels must be at least 1, not 0"},
      {"Conv1d(2, 2, 0)", "Conv1d: kernel_size must be at least 1, not 0"},
      {"Conv1d(2, 2, 3, stride=0)", "Conv1d: stride must be at least 1, not 0"},
      {"Conv1d(2, 2, 3, padding=-1)", "Conv1d: padding must not be negative, not -1"},
      {"Conv1d(3, 2, 3, groups=2)", "Conv1d: groups 2 must divide in_channels 3 and out_channels 2"},
      {"Conv1d(2, 2, 3, stride=2, padding='same')", "Conv1d: same_padding needs stride 1"},
      {"Conv2d(0, 2, 3)", "Conv2d: in_channels must be at least 1, not 0"},
      {"Conv2d(2, -2, 3)", "Conv2d: out_channels must be at least 1, not -2"},
      {"Conv2d(2, 2, (3, 0))", "Conv2d: kernel_size must be at least 1, not 0"},
      {"Conv2d(2, 2, 3, stride=(1, 0))", "Conv2d: stride must be at least 1, not 0"},
      {"Conv2d(2, 2, 3, dilation=0)", "Conv2d: dilation must be at least 1, not 0"},
      {"Conv2d(2, 2, 3, padding=-2)", "Conv2d: padding must not be negative, not -2"},
      {"Conv2d(4, 6, 3, groups=4)", "Conv2d: groups 4 must divide in_channels 4 and out_channels 6"},
      {"Conv2d(4, 6, 3, groups=0)", "Conv2d: groups must be at least 1, not 0"},
      {"Conv2d(2, 2, 3, stride=2, padding='same')", "Conv2d: same_padding needs stride 1"},
      {"Conv2d(2, 2, 3, padding_mode='mirror')", "'mirror' is none of 'zeros', 'reflect', 'replicate', 'circular'"},
      {"ConvTranspose2d(2, 0, 3)", "ConvTranspose2d: out_channels must be at least 1, not 0"},
      {"ConvTranspose2d(2, 2, 3, output_padding=1)",
       "ConvTranspose2d: output_padding (1, 1) must be below the stride (1, 1) or the dilation (1, 1)"},
      {"ConvTranspose2d(2, 2, 3, output_padding=-1)", "ConvTranspose2d: output_padding must not be negative, not -1"},
      {"ConvTranspose2d(3, 2, 3, groups=3)", "ConvTranspose2d: groups 3 must divide in_channels 3 and out_channels 2"},
      {"MaxPool1d(0)", "MaxPool1d: kernel_size must be at least 1, not 0"},
      {"MaxPool1d(2, padding=2)", "MaxPool1d: padding 2 is more than half of the kernel size 2"},
      {"MaxPool1d(2, dilation=0)", "MaxPool1d: dilation must be at least 1, not 0"},
      {"AvgPool1d(2, stride=0)", "AvgPool1d: stride must be at least 1, not 0"},
      {"MaxPool2d(0)", "MaxPool2d: kernel_size must be at least 1, not 0"},
      {"MaxPool2d(2, stride=0)", "MaxPool2d: stride must be at least 1, not 0"},
      {"MaxPool2d(2, padding=-1)", "MaxPool2d: padding must not be negative, not -1"},
      {"MaxPool2d(3, padding=2)", "MaxPool2d: padding 2 is more than half of the kernel size 3"},
      {"AvgPool2d(2, divisor_override=0)", "AvgPool2d: divisor_override must not be 0"},
      {"MaxUnpool2d(0)", "MaxUnpool2d: kernel_size must be at least 1, not 0"},
      {"AdaptiveAvgPool2d(0)", "AdaptiveAvgPool2d: output_size must be at least 1, not 0"},
      {"AdaptiveMaxPool2d((2, 0))", "AdaptiveMaxPool2d: output_size must be at least 1, not 0"},
      {"BatchNorm1d(0)", "BatchNorm1d: num_features must be at least 1, not 0"},
      {"BatchNorm2d(3, eps=-1.0)", "BatchNorm2d: eps must be at least 0, not -1"},
      {"BatchNorm2d(3, momentum=1.5)", "BatchNorm2d: momentum must lie between 0 and 1, not at 1.5"},
      {"InstanceNorm1d(2, momentum=-0.1)", "InstanceNorm1d: momentum must lie between 0 and 1, not at -0.1"},
      {"InstanceNorm2d(-1)", "InstanceNorm2d: num_features must be at least 1, not -1"},
      {"LayerNorm([])", "LayerNorm: normalized_shape names at least one axis"},
      {"LayerNorm((3, 0))", "LayerNorm: normalized_shape must be at least 1, not 0"},
      {"RMSNorm(4, eps=-1.0)", "RMSNorm: eps must be at least 0, not -1"},
      {"GroupNorm(3, 4)", "GroupNorm: num_groups 3 must divide num_channels 4"},
      {"GroupNorm(0, 4)", "GroupNorm: num_groups must be at least 1, not 0"},
      {"LocalResponseNorm(0)", "LocalResponseNorm: size must be at least 1, not 0"},
      {"Dropout(1.5)", "Dropout: p must lie between 0 and 1, not at 1.5"},
      {"Dropout2d(-0.5)", "Dropout2d: p must lie between 0 and 1, not at -0.5"},
      {"Embedding(0, 3)", "Embedding: num_embeddings must be at least 1, not 0"},
      {"Embedding(3, -1)", "Embedding: embedding_dim must be at least 1, not -1"},
      {"Embedding(3, 2, padding_idx=3)", "Embedding: padding_idx must lie between -3 and 2, not at 3"},
      {"Embedding(3, 2, padding_idx=-4)", "Embedding: padding_idx must lie between -3 and 2, not at -4"},
      {"RNN(0, 3)", "RNN: input_size must be at least 1, not 0"},
      {"RNN(3, 2, nonlinearity='sigmoid')", "'sigmoid' is none of 'tanh', 'relu'"},
      {"LSTM(3, 0)", "LSTM: hidden_size must be at least 1, not 0"},
      {"LSTM(3, 2, num_layers=0)", "LSTM: num_layers must be at least 1, not 0"},
      {"LSTM(3, 2, num_layers=2, dropout=1.5)", "LSTM: dropout must lie between 0 and 1, not at 1.5"},
      {"GRU(3, 2, num_layers=2, dropout=-0.5)", "GRU: dropout must lie between 0 and 1, not at -0.5"},
      {"GRU(3, 2, dropout=0.5)", "GRU: dropout acts between layers, and there is only one"},
      {"RNNCell(0, 3)", "RNNCell: input_size must be at least 1, not 0"},
      {"LSTMCell(3, 0)", "LSTMCell: hidden_size must be at least 1, not 0"},
      {"GRUCell(3, -2)", "GRUCell: hidden_size must be at least 1, not -2"},
      {"MultiheadAttention(0, 1)", "MultiheadAttention: embed_dim must be at least 1, not 0"},
      {"MultiheadAttention(4, 0)", "MultiheadAttention: num_heads must be at least 1, not 0"},
      {"MultiheadAttention(4, 3)", "MultiheadAttention: num_heads 3 must divide embed_dim 4"},
      {"MultiheadAttention(4, 2, dropout=1.1)", "MultiheadAttention: dropout must lie between 0 and 1, not at 1.1"},
      {"MultiheadAttention(4, 2, kdim=0)", "MultiheadAttention: kdim must be at least 1, not 0"},
      {"MultiheadAttention(4, 2, vdim=-1)", "MultiheadAttention: vdim must be at least 1, not -1"},
      {"TransformerEncoderLayer(4, 3)", "TransformerEncoderLayer: nhead 3 must divide d_model 4"},
      {"TransformerEncoderLayer(4, 2, dim_feedforward=0)",
       "TransformerEncoderLayer: dim_feedforward must be at least 1, not 0"},
      {"TransformerEncoderLayer(4, 2, dropout=-0.1)",
       "TransformerEncoderLayer: dropout must lie between 0 and 1, not at -0.1"},
      {"TransformerEncoderLayer(4, 2, activation='tanh')", "'tanh' is none of 'relu', 'gelu'"},
      {"TransformerEncoderLayer(4, 2, layer_norm_eps=-1.0)",
       "TransformerEncoderLayer: layer_norm_eps must be at least 0, not -1"},
      {"CELU(0.0)", "celu: alpha"},
      {"Softplus(0.0)", "softplus: beta"},
      {"Hardtanh(1.0, -1.0)", "hardtanh: min_val"},
      {"GELU('erf')", "'erf' is none of 'none', 'tanh'"},
      {"PReLU(0)", "PReLU: num_parameters must be at least 1, not 0"},
      {"Unflatten(1, [])", "Unflatten: unflattened_size names at least one axis"},
      {"Unflatten(1, (-1, -1))", "Unflatten: only one size of unflattened_size may be -1, unlike (-1, -1)"},
      {"Unflatten(1, (2, 0))", "Unflatten: unflattened_size holds sizes of at least 1, or one -1, unlike (2, 0)"},
      {"Upsample()", "Upsample: give either size or scale_factor"},
      {"Upsample(size=4, scale_factor=2)", "Upsample: give either size or scale_factor"},
      {"Upsample(size=0)", "Upsample: size must be at least 1, not 0"},
      {"Upsample(scale_factor=-1.0)", "Upsample: scale_factor must be greater than 0, not -1"},
      {"Upsample(size=4, align_corners=True)", "Upsample: align_corners is for the modes linear, bilinear and bicubic"},
      {"PixelShuffle(0)", "PixelShuffle: upscale_factor must be at least 1, not 0"},
      {"PixelUnshuffle(-2)", "PixelUnshuffle: downscale_factor must be at least 1, not -2"},
      {"SmoothL1Loss(beta=-1.0)", "SmoothL1Loss: beta must be at least 0, not -1"},
      {"HuberLoss(delta=0.0)", "HuberLoss: delta must be greater than 0, not 0"},
      {"CrossEntropyLoss(label_smoothing=2.0)", "CrossEntropyLoss: label_smoothing must lie between 0 and 1, not at 2"},
      {"TripletMarginLoss(p=0.0)", "TripletMarginLoss: p must be greater than 0, not 0"},
      {"MSELoss(reduction='average')", "MSELoss: reduction must be 'none', 'mean' or 'sum', not 'average'"},
      // Not a layer, or not a call of it.
      {"Conv2D(1, 2, 3)", "there is no layer 'Conv2D'; did you mean Conv2d?"},
      {"Transmogrify()", "there is no layer 'Transmogrify'"},
      {"Linear(3)", "out_features"},
      {"Linear(3, 4, depth=2)", "depth"},
      {"Linear(3.5, 4)", "in_features"},
      {"Linear(3, x)", "'x' is no argument of a layer"},
      {"3 + 4", "'3 + 4' is no layer: write one call, as in Linear(784, 10)"},
  };
  CHECK(std::size(table) >= 60);
  for (const Refused& row : table) {
    CAPTURE(row.text);
    CHECK_THROWS_WITH_AS(make_layer(row.text), doctest::Contains(row.sentence), ValueError);
  }
}

TEST_CASE("inputs that do not fit are refused with the layer's name and the shape") {
  const Refused table[] = {
      {"Conv1d(2, 2, 3)", "Conv1d: x is (N, C, L) or (C, L), not of shape (2, 3, 4, 5)"},
      {"BatchNorm1d(3)", "BatchNorm1d: x is (N, C) or (N, C, L), not of shape (2, 3, 4, 5)"},
      {"BatchNorm2d(4)", "BatchNorm2d: x (2, 3, 4, 5) has 3 channels on axis 1, the layer 4"},
      {"InstanceNorm1d(3)", "InstanceNorm1d: x is (N, C, L), not of shape (2, 3, 4, 5)"},
      {"GroupNorm(2, 4)", "GroupNorm: x is (N, 4, ...), not of shape (2, 3, 4, 5)"},
      {"MaxPool1d(2)", "MaxPool1d: x is (N, C, L) or (C, L), not of shape (2, 3, 4, 5)"},
      {"PReLU(4)", "PReLU: 4 slopes need as many channels on axis 1, unlike x (2, 3, 4, 5)"},
      {"Unflatten(1, (2, 2))", "Unflatten: axis 1 of x (2, 3, 4, 5) does not split into (2, 2)"},
      {"Unflatten(4, (2, 2))", "Unflatten: x (2, 3, 4, 5) has no axis 4"},
  };
  for (const Refused& row : table) {
    CAPTURE(row.text);
    const auto layer = make_layer(row.text);
    CHECK_THROWS_WITH_AS(dynamic_cast<Module&>(*layer)(zeros({2, 3, 4, 5})), doctest::Contains(row.sentence),
                         ShapeError);
  }
}
