#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "engine/backend.h"
#include "test/convolution_limit.h"
#include "test/networks.h"

// Training steps of a whole network on the CPU, and where their time goes:
//   bench_network densenet121|resnet50 SIZE fp32|bf16 [BATCH [THREADS [steps|ops|forward|limit]]]
// `limit` prints as JSON what oneDNN takes for the convolutions alone.
using namespace thaw;

namespace {

using Clock = std::chrono::steady_clock;

const char* nameOf(const Step& step) {
  constexpr const char* names[] = {"input",
                                   "convolution",
                                   "convolution backward",
                                   "statistics",
                                   "normalize",
                                   "normalize backward",
                                   "clear",
                                   "correct",
                                   "activation",
                                   "activation backward",
                                   "pool",
                                   "pool backward",
                                   "add",
                                   "copy",
                                   "fill",
                                   "linear",
                                   "linear backward",
                                   "dropout",
                                   "flatten",
                                   "output",
                                   "output backward"};
  return names[step.index()];
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace

int main(int count, char** words) {
  const auto word = [&](int index, const char* otherwise) {
    return index < count ? words[index] : otherwise;
  };
  const std::string net = word(1, "densenet121");
  const std::size_t size = std::strtoul(word(2, "224"), nullptr, 10),
                    batch = std::strtoul(word(4, "16"), nullptr, 10);
  const Precision precision = std::string(word(3, "fp32")) == "bf16" ? Precision::bf16 : Precision::fp32;
  const std::size_t threads = std::strtoul(word(5, "2"), nullptr, 10);
  const std::string what = word(6, "steps");

  const Extent input = {3, size, size, false};
  const CheckedGraph graph = checkGraph(net == "resnet50" ? test::resnet({input}) : test::densenet({input}));
  if (what == "limit") {
    const test::ConvolutionLimit limit = test::convolutionLimit(graph, batch, precision, threads, true);
    std::printf("{\"flop\": %.0f, \"seconds\": %.6f}\n", limit.flop, limit.seconds);
    return 0;
  }
  const auto backend = makeCpuBackend({precision, threads, std::getenv("THAW_NO_WINOGRAD") == nullptr});
  ProgramOptions options;
  options.batch = batch;
  options.channelMultiple = backend->channelMultiple();
  options.takePixels = backend->takesPixels();
  options.trainedStages = (1u << graph.stages) - 1;
  options.keepNormalized = std::getenv("THAW_KEEP") != nullptr;
  const auto parameters = backend->makeParameters(graph, lower(graph, options));
  if (what == "forward") options.trainedStages = 0;
  const Program program = lower(graph, options);
  for (std::size_t index = 0; index < graph.graph.parameters.size(); index++)
    parameters->write(index, test::hashWeights(graph.graph.parameters[index], index, 1));
  std::vector<std::size_t> bytes;
  for (const Buffer& buffer : program.buffers) bytes.push_back(backend->bytesOf(buffer, batch));
  const ArenaPlan plan = planArena(program, bytes);
  const auto arena = backend->allocate(plan.bytes);
  const auto vectors = backend->allocateVectors(program);
  auto start = Clock::now();
  const auto kernels = backend->makeKernels({program, plan, *arena, *vectors}, *parameters);
  std::printf("arena %.0f MB, kernels made in %.2f s\n", static_cast<double>(plan.bytes) / 1e6,
              std::chrono::duration<double>(Clock::now() - start).count());

  std::vector<float> images(batch * input.size(), 0.1f), logits(batch * 14), gradients(batch * 14, 0.01f);
  for (std::size_t i = 0; i < images.size(); i++)
    images[i] = static_cast<float>(i * 2654435761u % 1000) / 500 - 1;
  std::vector<ParameterUpdate> updates;
  for (std::size_t index = 0; index < graph.graph.parameters.size(); index++)
    updates.push_back(
        {index, updateConstants({OptimizerKind::sgd, 0.9, false, 0.999, 1e-8}, 1e-4, 0.9, 0, 1)});
  const StepContext context = {images.data(), logits.data(), gradients.data(), 0, 0};
  std::map<std::string, std::vector<double>> parts;
  std::vector<double> totals, forwards, updateTimes;
  const std::size_t rounds = 8;
  for (std::size_t round = 0; round < rounds + 2; round++) {
    std::map<std::string, double> sums;
    const auto begin = Clock::now();
    double forward = 0;
    for (std::size_t index = 0; index < kernels.size(); index++) {
      const auto before = Clock::now();
      kernels[index]->run(context);
      const double seconds = std::chrono::duration<double>(Clock::now() - before).count();
      const bool isForward = index < program.forward.size();
      const Step& step =
          isForward ? program.forward[index] : program.backward[index - program.forward.size()];
      sums[(isForward ? "forward: " : "backward: ") + std::string(nameOf(step))] += seconds;
      if (isForward) forward += seconds;
    }
    const auto before = Clock::now();
    if (what != "forward") parameters->update(updates, 1);
    if (round < 2) continue;
    updateTimes.push_back(std::chrono::duration<double>(Clock::now() - before).count());
    totals.push_back(std::chrono::duration<double>(Clock::now() - begin).count());
    forwards.push_back(forward);
    for (const auto& [name, seconds] : sums) parts[name].push_back(seconds);
  }
  std::printf("%s %zu %s batch %zu: %.1f ms a step, %.1f images/s (forward %.1f ms, update %.1f ms)\n",
              net.c_str(), size, word(3, "fp32"), batch, median(totals) * 1e3,
              static_cast<double>(batch) / median(totals), median(forwards) * 1e3, median(updateTimes) * 1e3);
  if (what == "steps") return 0;
  for (const auto& [name, seconds] : parts)
    std::printf("  %-34s %8.2f ms\n", name.c_str(), median(seconds) * 1e3);
}
