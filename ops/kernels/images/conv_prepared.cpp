// How a oneDNN convolution is described and prepared, and the bounded cache that keeps the prepared ones.
// Written for what oneDNN 2.6 and 3 share.
#include "ops/kernels/images/conv_prepared.h"

#if CHAINRULE_KERNELS_USE_ONEDNN

#include <algorithm>
#include <array>
#include <map>
#include <mutex>
#include <string_view>

#include "ops/kernels/scratch.h"
#include "ops/kernels/simd/instruction_set.h"

namespace chainrule::kernels {
namespace detail {
namespace {

using dnnl::memory;
using Tag = memory::format_tag;

constexpr std::size_t kMaxPrepared = 256;

using Key = std::array<std::int64_t, 16>;

Key key_of(Kind kind, Method method, const Convolution& s, std::int64_t n) {
  const Windows& w = s.windows;
  return {static_cast<std::int64_t>(kind),
          n,
          w.c,
          w.h,
          w.w,
          s.out_channels,
          s.groups,
          w.y.size,
          w.y.stride,
          w.y.padding,
          w.y.dilation,
          w.x.size,
          w.x.stride,
          w.x.padding,
          w.x.dilation,
          static_cast<std::int64_t>(method)};
}

class Cache {
 public:
  Cache() { on_clear_kernel_caches(clear_conv_cache); }

  std::shared_ptr<const Prepared> find(const Key& key) {
    const std::lock_guard lock(mutex_);
    const auto it = entries_.find(key);
    if (it == entries_.end()) return nullptr;
    it->second.used = ++clock_;
    return it->second.prepared;
  }

  void keep(const Key& key, std::shared_ptr<const Prepared> prepared) {
    const std::lock_guard lock(mutex_);
    if (entries_.size() >= kMaxPrepared) {
      const auto older = [](const auto& a, const auto& b) { return a.second.used < b.second.used; };
      entries_.erase(std::min_element(entries_.begin(), entries_.end(), older));
    }
    entries_.insert_or_assign(key, Entry{std::move(prepared), ++clock_});
  }

  std::size_t size() {
    const std::lock_guard lock(mutex_);
    return entries_.size();
  }

  void clear() {
    const std::lock_guard lock(mutex_);
    entries_.clear();
  }

 private:
  struct Entry {
    std::shared_ptr<const Prepared> prepared;
    std::uint64_t used;
  };
  std::mutex mutex_;
  std::map<Key, Entry> entries_;
  std::uint64_t clock_ = 0;
};

Cache& cache() {
  static Cache all;
  return all;
}

// oneDNN has to follow a choice of fewer instructions before it makes anything: its least is SSE 4.1.
dnnl::engine make_engine() {
  const std::string_view set = instruction_set();
  if (set != instruction_sets().front())
    dnnl::set_max_cpu_isa(set == "avx2" ? dnnl::cpu_isa::avx2 : dnnl::cpu_isa::sse41);
  return {dnnl::engine::kind::cpu, 0};
}

const dnnl::engine& engine() {
  static const dnnl::engine cpu = make_engine();
  return cpu;
}

// oneDNN 3 has no operation descriptors: their arguments go to the primitive descriptor itself.
template <class Primitive, class... Arguments>
auto describe(const dnnl::primitive_attr& attributes, const Arguments&... arguments) {
#if DNNL_VERSION_MAJOR >= 3
  return typename Primitive::primitive_desc(engine(), arguments..., attributes);
#else
  return typename Primitive::primitive_desc(typename Primitive::desc(arguments...), attributes, engine());
#endif
}
// The backward ones also want to know the forward one.
template <class Primitive, class Hint, class... Arguments>
auto describe_backward(const dnnl::primitive_attr& attributes, const Hint& hint, const Arguments&... arguments) {
#if DNNL_VERSION_MAJOR >= 3
  return typename Primitive::primitive_desc(engine(), arguments..., hint, attributes);
#else
  return typename Primitive::primitive_desc(typename Primitive::desc(arguments...), attributes, engine(), hint);
#endif
}

/// How the memory of one convolution lies.
struct Layouts {
  memory::desc x, any_weight, user_weight, z, bias;

  Layouts(Method method, const Convolution& s, std::int64_t n) {
    const Windows& w = s.windows;
    const auto type = memory::data_type::f32;
    const Tag images = method == Method::winograd ? Tag::nChw16c : Tag::nhwc;
    x = {{n, w.c, w.h, w.w}, type, images};
    z = {{n, s.out_channels, w.out_h(), w.out_w()}, type, images};
    bias = {{s.out_channels}, type, Tag::x};
    const memory::dims grouped{s.groups, s.out_channels / s.groups, w.c / s.groups, w.y.size, w.x.size};
    const memory::dims plain{s.out_channels, w.c, w.y.size, w.x.size};
    const memory::dims& dims = s.groups > 1 ? grouped : plain;
    any_weight = {dims, type, Tag::any};
    user_weight = {dims, type, s.groups > 1 ? Tag::goihw : Tag::oihw};
  }
};

/// `names`: of x, weight and z.
template <class Primitive, class Descriptor>
void finish(Prepared& p, const Descriptor& d, const memory::desc& weight, const Layouts& l,
            const std::array<int, 3>& names) {
  const char* name = d.impl_info_str();
  p.usable = name != nullptr && !std::string_view(name).starts_with("ref");
  p.widest = name != nullptr && std::string_view(name).find("avx512") != std::string_view::npos;
  if (!p.usable) return;
  const memory::desc scratch = d.scratchpad_desc();
  p.weight = weight;
  p.weight_bytes = weight.get_size();
  p.scratch_bytes = scratch.get_size();
  std::vector<Runnable::Argument> arguments{
      {names[0], l.x}, {names[1], weight}, {names[2], l.z}, {DNNL_ARG_SCRATCHPAD, scratch}, {DNNL_ARG_BIAS, l.bias}};
  p.convolution = std::make_unique<const Runnable>(Primitive(d), std::move(arguments));
  if (weight == l.user_weight) return;
  const bool out = names[1] == DNNL_ARG_DIFF_WEIGHTS;
  const memory::desc &from = out ? weight : l.user_weight, &to = out ? l.user_weight : weight;
  p.reorder =
      std::make_unique<const Runnable>(dnnl::reorder(dnnl::reorder::primitive_desc(engine(), from, engine(), to)),
                                       std::vector<Runnable::Argument>{{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}});
}

std::shared_ptr<const Prepared> prepare(Kind kind, Method method, const Convolution& s, std::int64_t n) {
  using Forward = dnnl::convolution_forward;
  using InputGrad = dnnl::convolution_backward_data;
  using WeightGrad = dnnl::convolution_backward_weights;
  const Windows& w = s.windows;
  const Layouts l(method, s, n);
  const memory::dims stride{w.y.stride, w.x.stride}, dilation{w.y.dilation - 1, w.x.dilation - 1};
  const memory::dims padding{w.y.padding, w.x.padding};
  const auto algorithm =
      method == Method::winograd ? dnnl::algorithm::convolution_winograd : dnnl::algorithm::convolution_direct;
  const auto training = dnnl::prop_kind::forward_training;
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  auto p = std::make_shared<Prepared>();

  try {
    constexpr std::array<int, 3> names{DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST};
    if (kind == Kind::forward_bias) {
      const auto d = describe<Forward>(attributes, training, algorithm, l.x, l.any_weight, l.bias, l.z, stride,
                                       dilation, padding, padding);
      finish<Forward>(*p, d, d.weights_desc(), l, names);
      return p;
    }
    const auto forward =
        describe<Forward>(attributes, training, algorithm, l.x, l.any_weight, l.z, stride, dilation, padding, padding);
    if (kind == Kind::forward) {
      finish<Forward>(*p, forward, forward.weights_desc(), l, names);
    } else if (kind == Kind::input_grad) {
      const auto d = describe_backward<InputGrad>(attributes, forward, algorithm, l.x, l.any_weight, l.z, stride,
                                                  dilation, padding, padding);
      finish<InputGrad>(*p, d, d.weights_desc(), l, {DNNL_ARG_DIFF_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DIFF_DST});
    } else {
      const auto d = describe_backward<WeightGrad>(attributes, forward, algorithm, l.x, l.any_weight, l.z, stride,
                                                   dilation, padding, padding);
      finish<WeightGrad>(*p, d, d.diff_weights_desc(), l, {DNNL_ARG_SRC, DNNL_ARG_DIFF_WEIGHTS, DNNL_ARG_DIFF_DST});
    }
  } catch (const dnnl::error&) {
    p->usable = false;  // nothing there for these sizes; the portable path takes over
  }
  return p;
}

}  // namespace

std::unique_ptr<Runnable::Set> Runnable::take() const {
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      auto set = std::move(idle_.back());
      idle_.pop_back();
      return set;
    }
  }
  auto set = std::make_unique<Set>();
  set->memories.reserve(arguments_.size());
  set->list.reserve(arguments_.size());
  for (const Argument& a : arguments_) {
    set->memories.push_back(memory(a.memory, engine(), nullptr));
    set->list.push_back({a.name, set->memories.back().get()});
  }
  return set;
}

void Runnable::run(std::initializer_list<const void*> addresses) const {
  const OneThread one_thread;
  thread_local dnnl::stream stream(engine());
  auto set = take();
  std::size_t count = 0;
  for (const void* address : addresses) set->memories[count++].set_data_handle(const_cast<void*>(address));
  const auto status = dnnl_primitive_execute(primitive_.get(), stream.get(), static_cast<int>(count), set->list.data());
  stream.wait();
  const std::lock_guard lock(mutex_);
  idle_.push_back(std::move(set));
  dnnl::error::wrap_c_api(status, "convolution: oneDNN could not run it");
}

std::shared_ptr<const Prepared> prepared(Kind kind, Method method, const Convolution& s, std::int64_t n) {
  const Key key = key_of(kind, method, s, n);
  if (auto found = cache().find(key)) return found;
  const OneThread one_thread;
  auto made = prepare(kind, method, s, n);
  cache().keep(key, made);
  return made;
}

}  // namespace detail

std::size_t conv_cache_size() { return detail::cache().size(); }
void clear_conv_cache() { detail::cache().clear(); }

}  // namespace chainrule::kernels

#else

namespace chainrule::kernels {

std::size_t conv_cache_size() { return 0; }
void clear_conv_cache() {}

}  // namespace chainrule::kernels
#endif
