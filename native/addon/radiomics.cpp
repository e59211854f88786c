#include "addon/radiomics.h"

#include <cstring>
#include <memory>

#include "addon/job.h"
#include "addon/radiomics_options.h"
#include "engine/stop_signal.h"

namespace thaw::addon {
namespace {

Napi::Value uint8Array(Napi::Env env, const std::vector<std::uint8_t>& values) {
  auto array = Napi::Uint8Array::New(env, values.size());
  if (!values.empty()) std::memcpy(array.Data(), values.data(), values.size());
  return array;
}

/** extractRadiomics(images, options, threads, finished, abort): Promise<NativeFeatureTable> */
Napi::Value extractRadiomics(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const Argument images(info[0], "images"), finished(info[3], "finished"), abort(info[4], "abort");
    auto views = radiomicsImages(images);
    auto options = radiomicsOptions(Argument(info[1], "options"));
    const auto* const extraction = std::get_if<radiomics::ExtractionOptions>(&options);
    for (std::size_t i = 0; i < views.size(); i++) {
      const std::string name = "images[" + std::to_string(i) + "]";
      if (extraction != nullptr && extraction->mask == radiomics::MaskRule::given && views[i].mask == nullptr)
        throw EngineError(ErrorCode::engine, "expected a mask.", name + ".mask");
      if (extraction == nullptr && views[i].extent.slices != 1)
        throw EngineError(ErrorCode::engine, "expected one slice.", name + ".slices");
    }
    const std::size_t threads = Argument(info[2], "threads").count(1, 1024);
    // Of the same kind as an abort flag: one number that both sides see.
    auto* const done = const_cast<std::int32_t*>(finished.abortFlag());
    const std::int32_t* const request = abort.abortFlag();
    const auto table = std::make_shared<radiomics::FeatureTable>();
    return Job::start(
        info.Env(), nullptr, {images.object(), finished.object(), abort.object()},
        [views = std::move(views), options = std::move(options), threads, done, request,
         table](const std::atomic<bool>& closing) {
          *table = radiomics::extractAll(views, options, threads, {request, &closing}, done);
        },
        [table](Napi::Env env) -> Napi::Value {
          Napi::Object result = Napi::Object::New(env);
          result.Set("columns", Napi::Number::New(env, static_cast<double>(table->columns)));
          result.Set("values", float64Array(env, table->values));
          result.Set("standings", uint8Array(env, table->standings));
          result.Set("problems", uint8Array(env, table->problems));
          return result;
        });
  });
}

}  // namespace

Napi::Function radiomicsFunction(Napi::Env env) {
  return Napi::Function::New<extractRadiomics>(env, "extractRadiomics");
}

}  // namespace thaw::addon
