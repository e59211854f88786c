#include <algorithm>
#include <cmath>

#include "test/check.h"
#include "test/op_cases.h"
#include "test/test_network.h"

namespace thaw::test {
namespace {

double largestOf(const std::vector<double>& values) {
  double largest = 0;
  for (const double value : values) largest = std::max(largest, std::abs(value));
  return largest;
}

/** With 8 bits of precision, which bfloat16 holds. */
float shortened(float value) {
  int exponent = 0;
  const float fraction = std::frexp(value, &exponent);
  return std::ldexp(std::round(fraction * 256), exponent - 8);
}

/** One case in one variant on both backends. */
class Comparison {
 public:
  Comparison(const OpCase& op, const Variant& variant, Backend& other, Precision rounding, double tolerance,
             Deviation& worst)
      : op_(op),
        variant_(variant),
        // Where channels are padded, what is fused and so what is rounded may differ.
        reference_(makeReferenceBackend(rounding == Precision::bf16 ? other.channelMultiple() : 1, rounding)),
        expected_(op.graph, variant.options, *reference_),
        received_(op.graph, variant.options, other),
        batch_(seededBatch(op.graph, op.batch, 11)),
        tolerance_(tolerance),
        worst_(worst) {
    ParameterValues values = seededParameters(op.graph, 5);
    for (std::size_t parameter = 0; rounding == Precision::bf16 && parameter < values.size(); parameter++)
      if (op.graph.graph.parameters[parameter].shape.size() > 1)
        for (float& value : values[parameter]) value = shortened(value);
    expected_.load(values);
    received_.load(values);
    if (rounding != Precision::bf16) return;
    exactBackend_ = makeReferenceBackend();
    exact_ = std::make_unique<TestNetwork>(op.graph, variant.options, *exactBackend_);
    exact_->load(values);
  }

  void compareLogits() {
    const std::vector<double> logits = expected_.forward(batch_.images);
    largestLogit_ = largestOf(logits);
    compare("logits", received_.forward(batch_.images), logits, largestLogit_);
  }

  void compareTraining() {
    const double expected = expected_.lossAndBackward(batch_.images, batch_.targets);
    if (exact_ != nullptr) exact_->lossAndBackward(batch_.images, batch_.targets);
    const double received = received_.lossAndBackward(batch_.images, batch_.targets);
    // A logit that deviates moves the loss by no more.
    compare("loss", {received}, {expected}, exact_ == nullptr ? 1 : std::max(1.0, largestLogit_));
    if (exact_ != nullptr && op_.graph.stages > 1) return;
    const double largest = largestGradient();
    std::vector<std::size_t> trained;
    double norm = 0;
    for (std::size_t parameter = 0; parameter < parameters(); parameter++) {
      const bool vanishes = exact_ != nullptr && largestOf(exact_->gradient(parameter)) < 1e-9 * largest;
      if (expected_.isTrained(parameter) && !vanishes) {
        const std::vector<double> gradient = expected_.gradient(parameter);
        compare("gradient of " + nameOf(parameter), received_.gradient(parameter), gradient,
                scaleOf(nameOf(parameter), largestOf(gradient), largest));
        trained.push_back(parameter);
        for (const double g : gradient) norm += g * g;
      }
      compareValues("after a step ", parameter);
    }
    compare("gradient norm", {std::sqrt(received_.parameters().gradientNormSquared(trained))},
            {std::sqrt(norm)}, std::sqrt(norm));
  }

 private:
  std::size_t parameters() const { return op_.graph.graph.parameters.size(); }
  const std::string& nameOf(std::size_t parameter) const {
    return op_.graph.graph.parameters[parameter].name;
  }

  /** What a gradient's deviation is held against, see compareBackends. */
  double scaleOf(const std::string& name, double magnitude, double largest) const {
    // A convolution's bias in front of a norm: terms that cancel, of which bfloat16 leaves the last bits.
    const bool cancels = exact_ != nullptr && name.starts_with("conv") && name.ends_with("bias");
    if (magnitude < 1e-9 * largest || cancels) return largest;
    return std::max(magnitude, (exact_ == nullptr ? 0.01 : 0.2) * largest);
  }

  double largestGradient() const {
    double largest = 0;
    for (std::size_t parameter = 0; parameter < parameters(); parameter++)
      if (expected_.isTrained(parameter))
        largest = std::max(largest, largestOf(expected_.gradient(parameter)));
    return largest;
  }

  void compareValues(const std::string& when, std::size_t parameter) {
    const std::vector<double> values = expected_.values(parameter);
    compare(when + nameOf(parameter), received_.values(parameter), values, largestOf(values));
  }

  /** Reports where |received − expected| exceeds the tolerance times `scale`. */
  void compare(const std::string& what, const std::vector<double>& received,
               const std::vector<double>& expected, double scale) {
    const std::string where = op_.name + " (" + variant_.name + "): " + what;
    double most = received.size() == expected.size() ? 0 : INFINITY;
    for (std::size_t index = 0; index < std::min(received.size(), expected.size()); index++) {
      const double difference = std::abs(received[index] - expected[index]);
      most = std::isfinite(difference) ? std::max(most, difference) : INFINITY;
    }
    const double deviation = most == 0 ? 0 : most / scale;
    if (deviation > worst_.size) worst_ = {deviation, where};
    check::report(deviation <= tolerance_, __FILE__, __LINE__,
                  where + " deviates by " + std::to_string(deviation) + " of its largest magnitude");
  }

  const OpCase& op_;
  const Variant& variant_;
  std::unique_ptr<Backend> reference_;
  TestNetwork expected_;
  TestNetwork received_;
  std::unique_ptr<Backend> exactBackend_;
  std::unique_ptr<TestNetwork> exact_;  ///< without rounding, where the reference rounds
  TestBatch batch_;
  double largestLogit_ = 1;
  double tolerance_;
  Deviation& worst_;
};

/** A parameter's numbers before and after a step. */
struct ParameterState {
  std::vector<double> value, first, second;

  ParameterState(TestNetwork& network, std::size_t parameter) : value(network.values(parameter)) {
    std::vector<float> moment(value.size());
    network.parameters().readMoment(parameter, false, moment);
    first.assign(moment.begin(), moment.end());
    network.parameters().readMoment(parameter, true, moment);
    second.assign(moment.begin(), moment.end());
  }
};

/** One element's step t as PyTorch documents it (torch.optim.SGD, Adam, AdamW). */
void stepByTheBook(const OptimizerOptions& options, double rate, double decay, double t, double g, double& w,
                   double& m, double& v) {
  if (options.kind == OptimizerKind::adamw)
    w -= rate * decay * w;
  else
    g += decay * w;
  if (options.kind == OptimizerKind::sgd) {
    m = options.momentum * m + g;
    w -= rate * (options.nesterov ? g + options.momentum * m : m);
    return;
  }
  m = options.momentum * m + (1 - options.momentum) * g;
  v = options.beta2 * v + (1 - options.beta2) * g * g;
  const double mHat = m / (1 - std::pow(options.momentum, t)), vHat = v / (1 - std::pow(options.beta2, t));
  w -= rate * mHat / (std::sqrt(vHat) + options.epsilon);
}

/** Two steps by each rule, from the backend's own gradients, against the formulas. */
void checkUpdates(const OpCase& op, Backend& backend) {
  TestNetwork network(op.graph, op.variants[0].options, backend);
  network.load(seededParameters(op.graph, 5));
  const TestBatch batch = seededBatch(op.graph, op.batch, 11);
  network.lossAndBackward(batch.images, batch.targets);
  const auto check = [&](const std::vector<double>& received, const std::vector<double>& expected,
                         const std::string& what, std::size_t parameter) {
    const double tolerance = 1e-5 * largestOf(expected) + 1e-30;
    for (std::size_t index = 0; index < expected.size(); index++)
      check::report(std::abs(received[index] - expected[index]) <= tolerance, __FILE__, __LINE__,
                    op.name + ": " + what + " of " + op.graph.graph.parameters[parameter].name +
                        " expected " + std::to_string(expected[index]) + " but received " +
                        std::to_string(received[index]));
  };
  for (const OptimizerOptions& options :
       {OptimizerOptions{OptimizerKind::sgd}, OptimizerOptions{OptimizerKind::sgd, 0.8, true},
        OptimizerOptions{OptimizerKind::adam}, OptimizerOptions{OptimizerKind::adamw}})
    for (std::size_t parameter = 0; parameter < op.graph.graph.parameters.size(); parameter++) {
      if (!network.isTrained(parameter)) continue;
      const std::vector<float> zeros(op.graph.graph.parameters[parameter].size(), 0.0f);
      for (const bool second : {false, true}) network.parameters().writeMoment(parameter, second, zeros);
      const double decay = parameter % 2 == 0 ? 0 : 0.1, rate = 0.01;
      for (std::uint64_t t = 1; t <= 2; t++) {
        ParameterState expected(network, parameter);
        const std::vector<double> gradient = network.gradient(parameter);
        const ParameterUpdate update = {parameter,
                                        updateConstants(options, rate, options.momentum, decay, t)};
        network.parameters().update({&update, 1}, 0.5f);
        for (std::size_t index = 0; index < zeros.size(); index++)
          stepByTheBook(options, rate, decay, static_cast<double>(t), 0.5 * gradient[index],
                        expected.value[index], expected.first[index], expected.second[index]);
        const ParameterState received(network, parameter);
        check(received.value, expected.value, "an updated value", parameter);
        check(received.first, expected.first, "a first moment", parameter);
        check(received.second, expected.second, "a second moment", parameter);
      }
    }
}

}  // namespace

Deviation compareBackends(Backend& other, double tolerance, Precision rounding) {
  Deviation worst;
  const std::size_t singles = singleOpCases().size();
  const double ofOps = tolerance;
  std::size_t index = 0;
  for (const OpCase& op : opCases()) {
    tolerance = rounding == Precision::bf16 && index++ >= singles ? 4 * ofOps : ofOps;
    Variant inference = {"inference", {}};
    inference.options.batch = op.batch;
    Comparison(op, inference, other, rounding, tolerance, worst).compareLogits();
    for (const Variant& variant : op.variants) {
      Comparison comparison(op, variant, other, rounding, tolerance, worst);
      comparison.compareLogits();
      comparison.compareTraining();
    }
    checkUpdates(op, other);
  }
  return worst;
}

}  // namespace thaw::test
