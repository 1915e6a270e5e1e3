// How a oneDNN convolution is described and prepared, and the bounded cache that keeps the prepared ones.
// Written for what oneDNN 2.6 and 3 share.
#include "ops/kernels/conv_prepared.h"

#if CHAINRULE_KERNELS_USE_ONEDNN

#include <algorithm>
#include <array>
#include <map>
#include <mutex>
#include <string_view>

namespace chainrule::kernels {
namespace detail {
namespace {

using dnnl::memory;
using Tag = memory::format_tag;

constexpr std::size_t kMaxPrepared = 256;

using Key = std::array<std::int64_t, 16>;

Key key_of(Kind kind, const Convolution& s, std::int64_t n) {
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
          0};
}

class Cache {
 public:
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

template <class Descriptor>
void finish(Prepared& p, const Descriptor& d) {
  p.scratch = d.scratchpad_desc();
  const char* name = d.impl_info_str();
  p.usable = name != nullptr && !std::string_view(name).starts_with("ref");
  p.widest = name != nullptr && std::string_view(name).find("avx512") != std::string_view::npos;
}

std::shared_ptr<const Prepared> prepare(Kind kind, const Convolution& s, std::int64_t n) {
  const Windows& w = s.windows;
  const auto type = memory::data_type::f32;
  auto p = std::make_shared<Prepared>();
  p->x = memory::desc({n, w.c, w.h, w.w}, type, Tag::nhwc);
  p->z = memory::desc({n, s.out_channels, w.out_h(), w.out_w()}, type, Tag::nhwc);
  p->bias = memory::desc({s.out_channels}, type, Tag::x);
  const memory::dims grouped{s.groups, s.out_channels / s.groups, w.c / s.groups, w.y.size, w.x.size};
  const memory::dims plain{s.out_channels, w.c, w.y.size, w.x.size};
  const memory::dims& dims = s.groups > 1 ? grouped : plain;
  p->user_weight = memory::desc(dims, type, s.groups > 1 ? Tag::goihw : Tag::oihw);
  const memory::desc any(dims, type, Tag::any);
  const memory::dims stride{w.y.stride, w.x.stride}, dilation{w.y.dilation - 1, w.x.dilation - 1};
  const memory::dims padding{w.y.padding, w.x.padding};
  const auto algorithm = dnnl::algorithm::convolution_direct;
  const auto training = dnnl::prop_kind::forward_training;
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);

  try {
    using Forward = dnnl::convolution_forward;
    if (kind == Kind::forward_bias) {
      const auto d = describe<Forward>(attributes, training, algorithm, p->x, any, p->bias, p->z, stride, dilation,
                                       padding, padding);
      p->weight = d.weights_desc();
      finish(*p, d);
      if (p->usable) p->primitive = Forward(d);
      return p;
    }
    const auto forward =
        describe<Forward>(attributes, training, algorithm, p->x, any, p->z, stride, dilation, padding, padding);
    if (kind == Kind::forward) {
      p->weight = forward.weights_desc();
      finish(*p, forward);
      if (p->usable) p->primitive = Forward(forward);
    } else if (kind == Kind::input_grad) {
      using Backward = dnnl::convolution_backward_data;
      const auto d = describe_backward<Backward>(attributes, forward, algorithm, p->x, any, p->z, stride, dilation,
                                                 padding, padding);
      p->weight = d.weights_desc();
      finish(*p, d);
      if (p->usable) p->primitive = Backward(d);
    } else {
      using Backward = dnnl::convolution_backward_weights;
      const auto d = describe_backward<Backward>(attributes, forward, algorithm, p->x, any, p->z, stride, dilation,
                                                 padding, padding);
      p->weight = d.diff_weights_desc();
      finish(*p, d);
      if (p->usable) p->primitive = Backward(d);
    }
  } catch (const dnnl::error&) {
    p->usable = false;  // nothing there for these sizes; the portable path takes over
  }
  return p;
}

}  // namespace

const dnnl::engine& engine() {
  static const dnnl::engine cpu(dnnl::engine::kind::cpu, 0);
  return cpu;
}

std::shared_ptr<const Prepared> prepared(Kind kind, const Convolution& s, std::int64_t n) {
  const Key key = key_of(kind, s, n);
  if (auto found = cache().find(key)) return found;
  const OneThread one_thread;
  auto made = prepare(kind, s, n);
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
