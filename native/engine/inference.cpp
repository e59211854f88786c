#include "engine/inference.h"

#include "engine/error.h"

namespace thaw {
namespace {

void expectCount(const std::string& name, std::size_t expected, std::size_t received) {
  if (expected != received)
    throw EngineError(ErrorCode::engine,
                      "expected " + std::to_string(expected) + " values for " + name + " but received " +
                          std::to_string(received) + ".",
                      name);
}

}  // namespace

Inference::Inference(Graph graph, std::size_t batch, std::unique_ptr<Backend> backend)
    : graph_(checkGraph(std::move(graph))), batch_(batch), backend_(std::move(backend)) {
  if (batch == 0 || batch > 65536)
    throw EngineError(ErrorCode::engine,
                      "expected 1 to 65536 for batch but received " + std::to_string(batch) + ".", "batch");
  ProgramOptions options;
  options.batch = batch;
  options.channelMultiple = backend_->channelMultiple();
  options.takePixels = backend_->takesPixels();
  options.trainedStages = 0;
  program_ = std::make_unique<CompiledProgram>(graph_, options, *backend_);
  // Where each parameter is used shows where nothing is folded.
  options.trainedStages = graph_.stages == 32 ? UINT32_MAX : (1u << graph_.stages) - 1;
  parameters_ = backend_->makeParameters(graph_, lower(graph_, options));
}

void Inference::load(const std::string& parameter, std::span<const float> values) {
  for (std::size_t index = 0; index < graph_.graph.parameters.size(); index++) {
    const Parameter& known = graph_.graph.parameters[index];
    if (known.name != parameter) continue;
    expectCount(parameter, known.size(), values.size());
    return parameters_->write(index, values);
  }
  throw EngineError(ErrorCode::engine, "this network has no parameter \"" + parameter + "\".", parameter);
}

void Inference::run(std::span<const float> images, std::span<float> outputs) {
  expectCount("images", batch_ * inputSize(), images.size());
  expectCount("outputs", batch_ * outputSize(), outputs.size());
  backend_->enter();
  if (arena_ == nullptr) {
    arena_ = backend_->allocate(program_->arenaBytes());
    program_->bind(*backend_, *arena_, *parameters_);
  }
  program_->forward({images.data(), outputs.data(), nullptr, 0, 0});
}

std::size_t Inference::bytes() const {
  return parameters_->bytes() + (arena_ == nullptr ? 0 : arena_->bytes());
}

}  // namespace thaw
