// Where operations are said to be: at the line that called the library, also for functions that are made of others.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <functional>

#include "engine/backward.h"
#include "engine/factory.h"
#include "engine/traverse.h"
#include "engine/types/error.h"
#include "ops/function.h"
#include "ops/language/bindings.h"
#include "ops/ops.h"

using namespace chainrule;
using namespace chainrule::language;

namespace {

/// The operations of z's graph that are not at `place`, as "mul at reductions.cpp:12"; `inner`: also a place within it.
std::string elsewhere(const Tensor& z, const std::string& place, bool inner = false) {
  std::string found;
  const Traversal graph(std::span(&z, 1));
  for (std::size_t i = 0; i < graph.size(); ++i) {
    const std::string at = to_string(graph.node(i).where);
    if (inner ? !at.starts_with(place) : at != place)
      found += fmt::format("{}{} at '{}'", found.empty() ? "" : ", ", graph.node(i).info->name, at);
  }
  return found;
}

Tensor drawn(const Shape& shape, std::uint64_t seed = 1) {
  Generator generator(seed);
  return rand(shape, {.dtype = DType::float64, .requires_grad = true}, generator);
}

Tensor whole(const std::vector<std::int64_t>& values) {
  return from_vector(values, {static_cast<std::int64_t>(values.size())});
}

/// A call of one line, and that line.
struct Call {
  std::string text;
  unsigned line;
  std::function<std::vector<Tensor>()> run;
};
std::vector<Tensor> list(Tensor z) { return {std::move(z)}; }
std::vector<Tensor> list(std::vector<Tensor> z) { return z; }
std::vector<Tensor> list(SignedLogDet z) { return {z.logabsdet}; }

}  // namespace

#define CALL(...)                                             \
  {                                                           \
#__VA_ARGS__, __LINE__, [&] { return list(__VA_ARGS__); } \
  }

TEST_CASE("places: every operation of every function's example is at its place in the program") {
  for (const Function* f : functions()) {
    const Program program = parse(f->example);
    Names names = bind_text(f->with).names;
    const Tensor z = evaluate_tensor(program, names);
    CHECK_MESSAGE(elsewhere(z, "program:", true) == "", std::string(f->name) << ": " << elsewhere(z, "program:", true));
  }
}

TEST_CASE("places: functions made of others belong to the line that calls them") {
  const Tensor x = drawn({2, 3}), y = drawn({2, 3}, 2), scalar = drawn({}), vector = drawn({3}), row = drawn({1, 4, 6}),
               images = drawn({2, 4, 4, 4}), single = drawn({4, 4, 4}), filters = drawn({3, 4, 2, 2}),
               narrow = zeros({2, 3}, {.dtype = DType::float32, .requires_grad = true}),
               square_x = (drawn({3, 3}) + 3 * eye(3)).detach().set_requires_grad();
  const Tensor labels = whole({0, 2}), index = whole({1, 0}), mask = x > 0.5, probabilities = softmax(y).detach();
  const Call calls[] = {
      CALL(sum(x)),
      CALL(mean(x)),
      CALL(norm(x, 1)),
      CALL(norm(x, std::numeric_limits<double>::infinity())),
      CALL(softmax(x)),
      CALL(logsumexp(x)),
      CALL(cumsum(scalar, 0)),
      CALL(add(x, y, {.alpha = 2})),
      CALL(x * 2 + narrow),
      CALL(div(x, y, Rounding::trunc)),
      CALL(clamp(x, y, y + 1)),
      CALL(max_along(scalar, 0)),
      CALL(sort(scalar)),
      CALL(cat({x, y})),
      CALL(stack({x, y})),
      CALL(split(x, 2, 1)),
      CALL(chunk(x, 2, 1)),
      CALL(repeat(x, {2, 2})),
      CALL(tile(x, {2, 2})),
      CALL(roll(x, {1})),
      CALL(take_along_dim(x, labels)),
      CALL(scatter_add(x, 0, reshape(index, {1, 2}), y)),
      CALL(index_select(x, 0, index)),
      CALL(masked_fill(x, mask, 0)),
      CALL(pad(x, {1, 1}, PadMode::reflect)),
      CALL(trace(square_x)),
      CALL(cholesky(square_x, true)),
      CALL(solve(square_x, x, false)),
      CALL(slogdet(square_x)),
      CALL(dot(vector, vector)),
      CALL(einsum("ij,kj->ik", {x, y})),
      CALL(einsum("ij,ij->", {x, y})),
      CALL(linear(x, drawn({4, 3}), drawn({4}))),
      CALL(conv1d(row, drawn({2, 4, 3}), drawn({2}))),
      CALL(conv2d(single, filters, drawn({3}))),
      CALL(conv2d(images, filters, {}, {.same_padding = true})),
      CALL(conv_transpose2d(single, drawn({4, 3, 2, 2}))),
      CALL(max_pool2d(single, 2)),
      CALL(avg_pool2d(single, 2)),
      CALL(adaptive_avg_pool2d(single, 2)),
      CALL(local_response_norm(images, 3)),
      CALL(batch_norm(images, {}, {}, drawn({4}), drawn({4}), {.training = true})),
      CALL(layer_norm(x, {3}, drawn({3}), drawn({3}))),
      CALL(interpolate(row, {.size = Size2{3}})),
      CALL(pixel_shuffle(images, 2)),
      CALL(pixel_unshuffle(images, 2)),
      CALL(unfold(single, 2)),
      CALL(dropout(x, 0.5, true)),
      CALL(scaled_dot_product_attention(x, y, y, {.is_causal = true})),
      CALL(mse_loss(x, y)),
      CALL(l1_loss(x, y)),
      CALL(huber_loss(x, y)),
      CALL(smooth_l1_loss(x, y)),
      CALL(cross_entropy(x, labels)),
      CALL(cross_entropy(x, probabilities, {.label_smoothing = 0.1})),
      CALL(nll_loss(x, labels)),
      CALL(cross_entropy_error(x, labels)),
      CALL(binary_cross_entropy(x, y, {.weight = y.detach()})),
      CALL(binary_cross_entropy_with_logits(x, y, {.pos_weight = y.detach()})),
      CALL(kl_div(x, y)),
      CALL(hinge_embedding_loss(x, y)),
      CALL(cosine_similarity(x, y)),
      CALL(triplet_margin_loss(x, y, x * y, {.swap = true})),
  };
  for (const Call& call : calls) {
    CAPTURE(call.text);
    for (const Tensor& z : call.run()) CHECK(elsewhere(z, fmt::format("test_places.cpp:{}", call.line)) == "");
  }
}

TEST_CASE("places: a function of a program's own has the place in the program, and of nested scopes the outer one") {
  const Tensor x = drawn({3});
  const auto mine = [](const Operand& t) { return exp(t) * 2; };
  const SourceLocation text = SourceLocation::in_text("text", 3, 7), other = SourceLocation::in_text("other", 1, 1);
  Tensor z;
  {
    const CalledFrom caller(text);
    const CalledFrom inner(other);
    z = mean(mine(x));
  }
  CHECK(elsewhere(z, "text:3:7") == "");
  CHECK(elsewhere(mean(mine(x)), "text:3:7") != "");  // the scopes are over
}

TEST_CASE("places: what is recorded of a gradient belongs to the operation whose derivative it is") {
  Names names = bind_text("x=[1,2,3]").names;
  const Tensor x = names.at("x").as<Tensor>();
  const Tensor z = evaluate_tensor(parse("y = softmax(x)\nsum(y * y) + norm(x)"), names);
  const Tensor dx = grad(z, x, {.create_graph = true});
  CHECK(elsewhere(dx, "program:", true) == "");
}
