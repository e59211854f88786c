#include "engine/loss.h"

#include <array>
#include <limits>
#include <vector>

#include "engine/head_kernels.h"
#include "engine/random.h"
#include "test/check.h"

using namespace thaw;

namespace {

const float unknown = std::numeric_limits<float>::quiet_NaN();

struct Batch {
  std::size_t rows, outputs;
  std::vector<float> logits, targets, labelWeights, positiveWeights;
};

/** Logits from −90 to 90, soft targets; every fifth target unknown for the binary loss. */
Batch batchOf(std::size_t rows, std::size_t outputs, Loss loss) {
  const std::size_t count = rows * outputs, padded = (count + 15) / 16 * 16;
  Batch batch{rows, outputs, std::vector<float>(padded, 0), std::vector<float>(padded, unknown), {}, {}};
  RandomStream random(static_cast<std::uint32_t>(count), 1);
  for (std::size_t i = 0; i < count; i++) {
    const double spread = i % 7 == 0 ? 90 : 4;
    batch.logits[i] = static_cast<float>((2 * random.uniform() - 1) * spread);
    batch.targets[i] = static_cast<float>(random.uniform());
    if (loss == Loss::bce && i % 5 == 4) batch.targets[i] = unknown;
  }
  for (std::size_t row = 0; loss == Loss::softmax && row < rows; row++) {
    float sum = 0;
    for (std::size_t c = 0; c < outputs; c++) sum += batch.targets[row * outputs + c];
    for (std::size_t c = 0; c < outputs; c++) batch.targets[row * outputs + c] /= sum;
  }
  for (std::size_t i = 0; i < 16 * outputs; i++) {
    batch.labelWeights.push_back(0.5f + 0.25f * static_cast<float>(i % outputs));
    batch.positiveWeights.push_back(2.0f - 0.125f * static_cast<float>(i % outputs));
  }
  return batch;
}

}  // namespace

TEST("gradients of the loss formulas equal finite differences") {
  const double h = 1e-6;
  for (const double z : {-3.0, -0.2, 0.0, 0.7, 5.0})
    for (const double y : {0.0, 0.3, 1.0}) {
      const double up = binaryCrossEntropyTerm(z + h, y, 1.5, 2.5).loss,
                   down = binaryCrossEntropyTerm(z - h, y, 1.5, 2.5).loss;
      CHECK_NEAR(binaryCrossEntropyTerm(z, y, 1.5, 2.5).gradient, (up - down) / (2 * h), 1e-8);
    }
  const std::array<double, 3> y = {0.2, 0.5, 0.3}, weight = {1.0, 0.5, 3.0};
  std::array<double, 3> z = {0.3, -1.0, 2.0}, gradient, ignored;
  softmaxCrossEntropyRow(z, y, weight, gradient);
  for (std::size_t c = 0; c < 3; c++) {
    z[c] += h;
    const double up = softmaxCrossEntropyRow(z, y, weight, ignored);
    z[c] -= 2 * h;
    const double down = softmaxCrossEntropyRow(z, y, weight, ignored);
    z[c] += h;
    CHECK_NEAR(gradient[c], (up - down) / (2 * h), 1e-8);
  }
}

TEST("losses known in closed form") {
  CHECK_NEAR(binaryCrossEntropyTerm(0, 1, 1, 1).loss, std::log(2.0), 1e-15);
  CHECK_NEAR(binaryCrossEntropyTerm(0, 0, 3, 1).loss, 3 * std::log(2.0), 1e-15);
  CHECK_NEAR(binaryCrossEntropyTerm(1000, 0, 1, 1).loss, 1000, 1e-15);
  CHECK_NEAR(binaryCrossEntropyTerm(-1000, 1, 1, 2).loss, 2000, 1e-15);
  std::array<double, 4> gradient;
  const std::array<double, 4> z = {5, 5, 5, 5}, y = {0, 1, 0, 0};
  CHECK_NEAR(softmaxCrossEntropyRow(z, y, {}, gradient), std::log(4.0), 1e-15);
}

TEST("every instruction set computes both losses and their gradients to float precision") {
  const HeadKernelList list = availableHeadKernels();
  for (std::size_t k = 0; k < list.count; k++)
    for (const Loss loss : {Loss::bce, Loss::softmax})
      for (const std::size_t outputs : {1u, 2u, 14u, 17u})
        for (const bool weighted : {false, true}) {
          if (loss == Loss::softmax && outputs == 1) continue;
          const Batch batch = batchOf(37, outputs, loss);
          std::vector<float> logits = batch.logits, gradients(logits.size());
          const double received =
              list.kernels[k]->loss({batch.rows, outputs, loss, batch.targets.data(),
                                     weighted ? batch.labelWeights.data() : nullptr,
                                     weighted && loss == Loss::bce ? batch.positiveWeights.data() : nullptr,
                                     0.25f, logits.data(), gradients.data()});
          double expected = 0;
          for (std::size_t row = 0; row < batch.rows; row++) {
            std::vector<double> z, y, weight, gradient(outputs, 0);
            for (std::size_t c = 0; c < outputs; c++) {
              z.push_back(batch.logits[row * outputs + c]);
              y.push_back(batch.targets[row * outputs + c]);
              weight.push_back(weighted ? batch.labelWeights[c] : 1);
            }
            if (loss == Loss::softmax) {
              expected += softmaxCrossEntropyRow(z, y, weight, gradient);
            } else {
              for (std::size_t c = 0; c < outputs; c++) {
                if (std::isnan(y[c])) continue;
                const LossTerm term = binaryCrossEntropyTerm(z[c], y[c], weight[c],
                                                             weighted ? double{batch.positiveWeights[c]} : 1);
                expected += term.loss;
                gradient[c] = term.gradient;
              }
            }
            for (std::size_t c = 0; c < outputs; c++)
              CHECK_NEAR(gradients[row * outputs + c], gradient[c] / 4, 5e-7);
          }
          CHECK_NEAR(received, expected / 4, 2e-6);
        }
}

TEST("a logit that is not a number makes the loss not finite, an unknown target hides it") {
  const HeadKernelList list = availableHeadKernels();
  for (std::size_t k = 0; k < list.count; k++) {
    std::vector<float> logits(16, 0), targets(16, unknown), gradients(16);
    targets[0] = 1;
    const LossRequest request = {1,       2, Loss::bce,     targets.data(),  nullptr,
                                 nullptr, 1, logits.data(), gradients.data()};
    logits[1] = unknown;
    CHECK_NEAR(list.kernels[k]->loss(request), std::log(2.0), 1e-6);
    CHECK(gradients[1] == 0);
    logits[0] = unknown;
    CHECK(!std::isfinite(list.kernels[k]->loss(request)));
    logits[0] = -std::numeric_limits<float>::infinity();
    CHECK(!std::isfinite(list.kernels[k]->loss(request)));
  }
}
