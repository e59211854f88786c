#include "addon/batch_assembler.h"

#include <memory>

#include "addon/job.h"
#include "addon/marshal.h"
#include "addon/network_options.h"

namespace thaw::addon {
namespace {

class BatchAssemblerObject : public Napi::ObjectWrap<BatchAssemblerObject> {
 public:
  explicit BatchAssemblerObject(const Napi::CallbackInfo& info)
      : Napi::ObjectWrap<BatchAssemblerObject>(info) {
    guarded(info.Env(), [&] {
      const Argument options(info[0], "");
      if (!info[0].IsObject())
        throw EngineError(ErrorCode::engine, "expected an object for the options of a batch assembler.",
                          "options");
      AssembleOptions plain = assembleOptions(options);
      images_ = openMatrix(options.field("images"), AccessPattern::sequential);
      plain.images = images_->view();
      if (plain.images.type != ElementType::uint8)
        throw EngineError(ErrorCode::engine, "expected 'uint8' for images.dtype but received another.",
                          "images.dtype");
      batches_ = std::make_unique<ViewBatches>(std::move(plain), viewOptions(Argument(info[1], "view")));
    });
  }

  Napi::Value assemble(const Napi::CallbackInfo& info) {
    return guarded(info.Env(), [&]() -> Napi::Value {
      ViewBatches& batches = open();
      const Argument rows(info[0], "rows"), target(info[1], "out");
      const auto chosen = rows.rows(batches.rows());
      const auto out = target.floats(chosen.size() * batches.imageSize());
      return Job::start(
          info.Env(), &occupancy_, {info.This().As<Napi::Object>(), rows.object(), target.object()},
          [&batches, chosen, out](const std::atomic<bool>&) { batches.fill(chosen, out); },
          [](Napi::Env env) { return env.Undefined(); });
    });
  }

  void dispose(const Napi::CallbackInfo& info) {
    guarded(info.Env(), [&] {
      occupancy_.require();
      batches_.reset();
      images_.reset();
    });
  }

 private:
  ViewBatches& open() {
    occupancy_.require();
    if (batches_ == nullptr) throw EngineError(ErrorCode::engine, "this batch assembler has been disposed.");
    return *batches_;
  }

  std::unique_ptr<MatrixStack> images_;
  std::unique_ptr<ViewBatches> batches_;
  Occupancy occupancy_;
};

}  // namespace

Napi::Function batchAssemblerClass(Napi::Env env) {
  using Object = BatchAssemblerObject;
  return Object::DefineClass(env, "BatchAssembler",
                             {Object::InstanceMethod<&Object::assemble>("assemble"),
                              Object::InstanceMethod<&Object::dispose>("dispose")});
}

}  // namespace thaw::addon
