#include "addon/head_bank.h"

#include <memory>
#include <optional>

#include "addon/job.h"
#include "addon/marshal.h"
#include "engine/head_bank.h"

namespace thaw::addon {
namespace {

Napi::Value trainResult(Napi::Env env, const TrainResult& result) {
  const Napi::Object object = Napi::Object::New(env);
  object.Set("epochs", Napi::Number::New(env, static_cast<double>(result.epochs)));
  object.Set("trainLoss", float64Array(env, result.trainLoss));
  object.Set("validationLoss", float64Array(env, result.validationLoss));
  object.Set("validationAuroc", float64Array(env, result.validationAuroc));
  object.Set("failedStep", int32Array(env, result.failedStep));
  object.Set("bestEpoch", int32Array(env, result.bestEpoch));
  object.Set("trainSeconds", float64Array(env, result.trainSeconds));
  object.Set("validateSeconds", float64Array(env, result.validateSeconds));
  return object;
}

WeightsKind kindOf(const Napi::Value& value) {
  return Argument(value, "which").choice({"best", "last"}) == 0 ? WeightsKind::best : WeightsKind::last;
}

class HeadBankObject : public Napi::ObjectWrap<HeadBankObject> {
 public:
  explicit HeadBankObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<HeadBankObject>(info) {
    guarded(info.Env(), [&] {
      const Argument options(info[0], "");
      if (!info[0].IsObject())
        throw EngineError(ErrorCode::engine, "expected an object for the options of a head bank.", "options");
      HeadBankOptions plain = headBankOptions(options);
      features_ = openMatrix(options.field("features"), AccessPattern::random);
      plain.features = features_->view();
      held_.hold(info.Env(), std::make_unique<HeadBank>(std::move(plain)));
    });
  }

  void Finalize(Napi::Env env) override { release(env); }

  Napi::Value train(const Napi::CallbackInfo& info) {
    return guarded(info.Env(), [&]() -> Napi::Value {
      HeadBank& bank = held_.open();
      const std::uint32_t epochs = Argument(info[0], "epochs").count(1, 1u << 24);
      const Argument abort(info[1], "abort");
      const auto result = std::make_shared<std::optional<TrainResult>>();
      const std::int32_t* request = abort.abortFlag();
      return Job::start(
          info.Env(), &held_.occupancy, {info.This().As<Napi::Object>(), abort.object()},
          [&bank, epochs, request, result](const std::atomic<bool>& closing) {
            result->emplace(bank.train(epochs, {request, &closing}));
          },
          [result](Napi::Env env) { return trainResult(env, **result); });
    });
  }

  Napi::Value infer(const Napi::CallbackInfo& info) {
    return guarded(info.Env(), [&]() -> Napi::Value {
      HeadBank& bank = held_.open();
      const Argument rows(info[0], "rows"), abort(info[2], "abort");
      const auto chosen = rows.rows(bank.featureRows());
      const WeightsKind which = kindOf(info[1]);
      const std::int32_t* request = abort.abortFlag();
      auto logits = Napi::Float32Array::New(info.Env(), bank.heads() * chosen.size() * bank.outputs());
      const std::span<float> out(logits.Data(), logits.ElementLength());
      const auto kept = std::make_shared<Napi::ObjectReference>(Napi::Persistent(logits.As<Napi::Object>()));
      return Job::start(
          info.Env(), &held_.occupancy, {info.This().As<Napi::Object>(), rows.object(), abort.object()},
          [&bank, chosen, which, request, out](const std::atomic<bool>& closing) {
            bank.infer(chosen, which, {request, &closing}, out);
          },
          [kept](Napi::Env) -> Napi::Value { return kept->Value(); });
    });
  }

  Napi::Value weights(const Napi::CallbackInfo& info) {
    return guarded(info.Env(), [&]() -> Napi::Value {
      HeadBank& bank = held_.open();
      const std::uint32_t head = headIndex(info[0], bank);
      const LinearWeights weights = bank.weights(head, kindOf(info[1]));
      const Napi::Object object = Napi::Object::New(info.Env());
      object.Set("weight", float32Array(info.Env(), weights.weight));
      object.Set("bias", float32Array(info.Env(), weights.bias));
      return object;
    });
  }

  void load(const Napi::CallbackInfo& info) {
    guarded(info.Env(), [&] {
      HeadBank& bank = held_.open();
      const std::uint32_t head = headIndex(info[0], bank);
      const auto weight = Argument(info[1], "weight").floats(bank.outputs() * bank.features());
      bank.load(head, weight, Argument(info[2], "bias").floats(bank.outputs()));
    });
  }

  void setRateFactor(const Napi::CallbackInfo& info) {
    guarded(info.Env(), [&] {
      HeadBank& bank = held_.open();
      bank.setRateFactor(headIndex(info[0], bank), Argument(info[1], "factor").number());
    });
  }

  Napi::Value trainingState(const Napi::CallbackInfo& info) {
    return guarded(info.Env(), [&]() -> Napi::Value {
      HeadBank& bank = held_.open();
      const std::uint32_t head = headIndex(info[0], bank);
      return uint8Array(info.Env(), bank.trainingState(head, Argument(info[1], "weight").text(),
                                                       Argument(info[2], "bias").text()));
    });
  }

  Napi::Value snapshot(const Napi::CallbackInfo& info) {
    return guarded(info.Env(),
                   [&]() -> Napi::Value { return uint8Array(info.Env(), held_.open().snapshot()); });
  }

  void restore(const Napi::CallbackInfo& info) {
    guarded(info.Env(), [&] { held_.open().restore(Argument(info[0], "state").bytes()); });
  }

  void dispose(const Napi::CallbackInfo& info) {
    guarded(info.Env(), [&] {
      held_.occupancy.require();
      release(info.Env());
    });
  }

 private:
  static std::uint32_t headIndex(const Napi::Value& value, const HeadBank& bank) {
    return Argument(value, "head").count(0, static_cast<std::uint32_t>(bank.heads() - 1));
  }

  void release(Napi::Env env) {
    held_.release(env);
    features_.reset();
  }

  std::unique_ptr<MatrixStack> features_;
  Held<HeadBank> held_{"head bank"};
};

}  // namespace

Napi::Function headBankClass(Napi::Env env) {
  using Object = HeadBankObject;
  return Object::DefineClass(
      env, "HeadBank",
      {Object::InstanceMethod<&Object::train>("train"), Object::InstanceMethod<&Object::infer>("infer"),
       Object::InstanceMethod<&Object::weights>("weights"), Object::InstanceMethod<&Object::load>("load"),
       Object::InstanceMethod<&Object::setRateFactor>("setRateFactor"),
       Object::InstanceMethod<&Object::trainingState>("trainingState"),
       Object::InstanceMethod<&Object::snapshot>("snapshot"),
       Object::InstanceMethod<&Object::restore>("restore"),
       Object::InstanceMethod<&Object::dispose>("dispose")});
}

}  // namespace thaw::addon
