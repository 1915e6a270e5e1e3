// Adam and its relatives: AdamW, NAdam, RAdam, Adamax.
#pragma once

#include "optim/optimizer.h"

namespace chainrule {

struct AdamOptions {
  double lr = 1e-3;          ///< at least 0
  double beta1 = 0.9;        ///< in [0, 1)
  double beta2 = 0.999;      ///< in [0, 1)
  double eps = 1e-8;         ///< above 0
  double weight_decay = 0;   ///< at least 0
  bool amsgrad = false;      ///< divide by the largest second moment so far
  bool maximize = false;     ///< climb
  bool decay_biases = true;  ///< false: parameters of at most one axis are not decayed
  bool epsilon_hat = false;  ///< eps is added before the root's bias is corrected, as in the book (with eps 1e-7)
};

/// Adam (Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015; AMSGrad: Reddi, Kale and Kumar, "On
/// the convergence of Adam and beyond", ICLR 2018), as torch.optim.Adam: m = beta1 m + (1 - beta1) g, v = beta2 v + (1
/// - beta2) g g, p -= lr m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + eps). With epsilon_hat, the form at the end of
/// the paper's section 2: p -= lr sqrt(1 - beta2^t) / (1 - beta1^t) m / (sqrt(v) + eps).
class Adam : public OptimizerOf<Adam, AdamOptions> {
 public:
  using OptimizerOf::OptimizerOf;
  static constexpr const char* kName = "Adam";

 private:
  friend OptimizerOf;
  static void check(const Options& o);
  static std::vector<Slot> kept(const Options& o);
  static void change(const Update& u, const Options& o);
};

struct AdamWOptions {
  double lr = 1e-3;            ///< at least 0
  double beta1 = 0.9;          ///< in [0, 1)
  double beta2 = 0.999;        ///< in [0, 1)
  double eps = 1e-8;           ///< above 0
  double weight_decay = 1e-2;  ///< at least 0; decoupled
  bool amsgrad = false;        ///< divide by the largest second moment so far
  bool maximize = false;       ///< climb
  bool decay_biases = true;    ///< false: parameters of at most one axis are not decayed
};

/// Adam with decoupled weight decay (Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019), as
/// torch.optim.AdamW: p is first multiplied by 1 - lr weight_decay; the gradient knows nothing of the decay.
class AdamW : public OptimizerOf<AdamW, AdamWOptions> {
 public:
  using OptimizerOf::OptimizerOf;
  static constexpr const char* kName = "AdamW";

 private:
  friend OptimizerOf;
  static void check(const Options& o);
  static std::vector<Slot> kept(const Options& o);
  static void change(const Update& u, const Options& o);
};

struct NAdamOptions {
  double lr = 2e-3;              ///< at least 0
  double beta1 = 0.9;            ///< in [0, 1)
  double beta2 = 0.999;          ///< in [0, 1)
  double eps = 1e-8;             ///< above 0
  double weight_decay = 0;       ///< at least 0
  double momentum_decay = 4e-3;  ///< at least 0
  bool maximize = false;         ///< climb
  bool decay_biases = true;      ///< false: parameters of at most one axis are not decayed
};

/// Adam with Nesterov's momentum (Dozat, "Incorporating Nesterov momentum into Adam", 2016), as torch.optim.NAdam of
/// version 1.13, whose product of the next step counts this step's factor twice.
class NAdam : public OptimizerOf<NAdam, NAdamOptions> {
 public:
  using OptimizerOf::OptimizerOf;
  static constexpr const char* kName = "NAdam";

 private:
  friend OptimizerOf;
  static void check(const Options& o);
  static std::vector<Slot> kept(const Options& o);
  static void change(const Update& u, const Options& o);
};

struct RAdamOptions {
  double lr = 1e-3;          ///< at least 0
  double beta1 = 0.9;        ///< in [0, 1)
  double beta2 = 0.999;      ///< in [0, 1)
  double eps = 1e-8;         ///< above 0
  double weight_decay = 0;   ///< at least 0
  bool maximize = false;     ///< climb
  bool decay_biases = true;  ///< false: parameters of at most one axis are not decayed
};

/// Rectified Adam (Liu et al., "On the variance of the adaptive learning rate and beyond", ICLR 2020), as
/// torch.optim.RAdam: plain momentum until the second moment has seen enough steps.
class RAdam : public OptimizerOf<RAdam, RAdamOptions> {
 public:
  using OptimizerOf::OptimizerOf;
  static constexpr const char* kName = "RAdam";

 private:
  friend OptimizerOf;
  static void check(const Options& o);
  static std::vector<Slot> kept(const Options& o);
  static void change(const Update& u, const Options& o);
};

struct AdamaxOptions {
  double lr = 2e-3;          ///< at least 0
  double beta1 = 0.9;        ///< in [0, 1)
  double beta2 = 0.999;      ///< in [0, 1)
  double eps = 1e-8;         ///< above 0
  double weight_decay = 0;   ///< at least 0
  bool maximize = false;     ///< climb
  bool decay_biases = true;  ///< false: parameters of at most one axis are not decayed
};

/// Adam with the infinity norm (Kingma and Ba 2015, section 7.1), as torch.optim.Adamax: u = max(beta2 u, |g| + eps),
/// p -= lr / (1 - beta1^t) m / u.
class Adamax : public OptimizerOf<Adamax, AdamaxOptions> {
 public:
  using OptimizerOf::OptimizerOf;
  static constexpr const char* kName = "Adamax";

 private:
  friend OptimizerOf;
  static void check(const Options& o);
  static std::vector<Slot> kept(const Options& o);
  static void change(const Update& u, const Options& o);
};

}  // namespace chainrule
