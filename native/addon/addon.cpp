#include <napi.h>

#include <string>

#include "addon/batch_assembler.h"
#include "addon/head_bank.h"
#include "addon/inference.h"
#include "addon/job.h"
#include "addon/logistic_regression.h"
#include "addon/marshal.h"
#include "addon/network.h"
#include "addon/radiomics.h"
#include "engine/half.h"
#include "engine/head_kernels.h"

namespace thaw::addon {
namespace {

#if defined(__clang__)
constexpr const char* compiler = "Clang " __clang_version__;
#else
constexpr const char* compiler = "GCC " __VERSION__;
#endif

/** convertToHalf(source, target): Promise<void> */
Napi::Value convertToHalf(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const Argument source(info[0], "source"), target(info[1], "target");
    const auto values = source.floats();
    const auto halves = target.halves(values.size());
    return Job::start(
        info.Env(), nullptr, {source.object(), target.object()},
        [values, halves](const std::atomic<bool>&) {
          for (std::size_t i = 0; i < values.size(); i++) halves[i] = floatToHalf(values[i]);
        },
        [](Napi::Env env) { return env.Undefined(); });
  });
}

Napi::Object initialize(Napi::Env env, Napi::Object exports) {
  auto* data = new Environment;
  env.SetInstanceData(data);
  env.AddCleanupHook([closing = data->closing] { closing->store(true); });
  const HeadKernels* kernels = guarded(env, [] { return &headKernels(); });
  exports.Set("instructionSet", Napi::String::New(env, kernels->name));
  exports.Set("compiler", Napi::String::New(env, compiler));
  exports.Set("version", Napi::String::New(env, THAW_VERSION));
  exports.Set("HeadBank", headBankClass(env));
  exports.Set("BatchAssembler", batchAssemblerClass(env));
  exports.Set("Network", networkClass(env));
  exports.Set("Inference", inferenceClass(env));
  exports.Set("fitLogisticRegressions", logisticRegressionFunction(env));
  exports.Set("extractRadiomics", radiomicsFunction(env));
  exports.Set("convertToHalf", Napi::Function::New<convertToHalf>(env, "convertToHalf"));
  return exports;
}

}  // namespace

NODE_API_MODULE(thaw, initialize)

}  // namespace thaw::addon
