#include <cstdlib>
#include <string>
#include <vector>

#include "engine/dropout.h"
#include "engine/head_kernels.h"
#include "test/check.h"

using namespace thaw;

TEST("THAW_ISA chooses the kernels by name, an unknown one is refused") {
  const HeadKernelList list = availableHeadKernels();
  unsetenv("THAW_ISA");
  CHECK(&headKernels() == list.kernels[list.count - 1]);
  for (std::size_t k = 0; k < list.count; k++) {
    setenv("THAW_ISA", list.kernels[k]->name, 1);
    CHECK(&headKernels() == list.kernels[k]);
  }
  setenv("THAW_ISA", "mmx", 1);
  CHECK_MESSAGE("for THAW_ISA but received mmx.", headKernels());
  unsetenv("THAW_ISA");
}

TEST("packing transposes into panels, scales, and fills up with zeros") {
  const HeadKernelList list = availableHeadKernels();
  constexpr std::size_t rows = 3, columns = 21, panels = 4, padded = 4, stride = padded * 16 + 16;
  std::vector<float> values(rows * columns), mean(panels * 16, 0.5f), inverse(panels * 16, 2.0f);
  for (std::size_t i = 0; i < values.size(); i++) values[i] = static_cast<float>(i);
  const void* source[rows] = {&values[2 * columns], &values[0], &values[columns]};
  for (std::size_t k = 0; k < list.count; k++)
    for (const bool scaled : {false, true}) {
      std::vector<float> packed(panels * stride, -1);
      list.kernels[k]->pack({source, ElementType::float32, rows, padded, columns, panels,
                             scaled ? mean.data() : nullptr, scaled ? inverse.data() : nullptr, packed.data(),
                             stride});
      for (std::size_t row = 0; row < padded; row++)
        for (std::size_t i = 0; i < panels * 16; i++) {
          const float x = row < rows && i < columns ? static_cast<const float*>(source[row])[i] : 0;
          const float expected = scaled && row < rows && i < columns ? (x - 0.5f) * 2 : x;
          CHECK(packed[i / 16 * stride + row * 16 + i % 16] == expected);
        }
    }
}

// Rows of ones, one output, one weight that is not zero: a row's logit is 2 where its feature was kept, else
// 0.
TEST("the kernels drop exactly the features that the definition drops") {
  const HeadKernelList list = availableHeadKernels();
  constexpr std::size_t features = 64, rows = 20, panels = 4, stride = rows * 16;
  const std::vector<float> x(panels * stride, 1.0f), targets(32, 1.0f);
  for (std::size_t k = 0; k < list.count; k++)
    for (const std::uint32_t threshold : {1u, 13107u, 32768u, 40000u, 65535u})
      for (std::size_t feature = 0; feature < features; feature++) {
        std::vector<float> state(3 * panels * 16 + 3 * 16, 0), logits(32), gradients(32);
        std::vector<std::uint16_t> masks(3 * 16 * 8);
        state[feature] = 1;
        float* rest = state.data() + panels * 16;
        HeadStep step = {};
        step.batch = {x.data(), rows, rows, panels, stride};
        step.outputs = 1;
        step.targets = targets.data();
        step.lossScale = 1;
        step.head = {state.data(),
                     rest,
                     rest + panels * 16,
                     rest + 2 * panels * 16,
                     rest + 2 * panels * 16 + 16,
                     rest + 2 * panels * 16 + 32};
        step.update.keep = 1;
        step.seed = 77;
        step.step = 5;
        step.dropThreshold = threshold;
        step.survivorScale = 2;
        step.masks = masks.data();
        step.logits = logits.data();
        step.gradients = gradients.data();
        list.kernels[k]->step(step);
        // The gradient by the weight is Σ over the rows that kept it of 2 · (σ(2) − 1); the momentum holds
        // it.
        std::size_t kept = 0;
        for (std::size_t row = 0; row < rows; row++)
          kept += isKept({77, 5, 0}, row, feature, threshold) ? 1 : 0;
        CHECK_NEAR(rest[feature], 2 * static_cast<double>(kept) * (1 / (1 + std::exp(-2.0)) - 1), 1e-5);
      }
}
