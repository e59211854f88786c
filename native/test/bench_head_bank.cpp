#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "engine/head_bank.h"
#include "engine/random.h"

using namespace thaw;

// Microseconds a head-step (wall) of a bank on random features, best and median of 7 epochs:
//   bench_head_bank [heads] [outputs] [dropout] [threads] [rows] [features] [half]
int main(int argc, char** argv) {
  const auto number = [&](int index, double otherwise) {
    return argc > index ? std::atof(argv[index]) : otherwise;
  };
  const auto heads = static_cast<std::size_t>(number(1, 256)),
             outputs = static_cast<std::size_t>(number(2, 14));
  const auto threads = static_cast<std::size_t>(number(4, 2)),
             rows = static_cast<std::size_t>(number(5, 2000));
  const auto features = static_cast<std::size_t>(number(6, 1024));
  const bool half = number(7, 0) != 0;
  constexpr std::size_t epochs = 7;

  RandomStream random(1, 1);
  std::vector<float> values(rows * features);
  std::vector<std::uint16_t> halves(half ? values.size() : 0, 0x3800);
  for (float& value : values) value = static_cast<float>(2 * random.uniform() - 1);
  HeadBankOptions options;
  options.features = {half ? static_cast<const void*>(halves.data()) : values.data(), rows, features,
                      half ? ElementType::float16 : ElementType::float32};
  options.outputs = outputs;
  for (std::size_t i = 0; i < rows * outputs; i++)
    options.targets.push_back(random.uniform() < 0.2 ? 1.0f : 0.0f);
  options.threads = threads;
  SampleGroup group;
  group.rowsPerEpoch = rows;
  for (std::size_t i = 0; i < epochs * rows; i++)
    group.order.push_back(static_cast<std::uint32_t>(random.uniform() * static_cast<double>(rows)));
  const std::size_t steps = options.stepsPerEpoch(group);
  options.groups.push_back(std::move(group));
  const auto rates = std::make_shared<const std::vector<float>>(epochs * steps, 1e-3f);
  for (std::size_t head = 0; head < heads; head++)
    options.heads.push_back(
        {0, static_cast<std::uint32_t>(head), number(3, 0.5), 0, 0, rates, nullptr, {}, {}});

  HeadBank bank(std::move(options));
  std::vector<double> microseconds;
  for (std::size_t epoch = 0; epoch < epochs; epoch++) {
    const auto start = std::chrono::steady_clock::now();
    bank.train(1, {});
    const std::chrono::duration<double, std::micro> taken = std::chrono::steady_clock::now() - start;
    microseconds.push_back(taken.count() / static_cast<double>(heads * steps));
  }
  std::sort(microseconds.begin(), microseconds.end());
  std::printf("%s: best %.2f, median %.2f us a head-step\n", headKernels().name, microseconds.front(),
              microseconds[epochs / 2]);
}
