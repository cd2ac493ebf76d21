// ManifestConditions.h - the conditions of forms, read by the runtime as a launch would
#pragma once
#include "compiler/Explain/Conditions.h"

namespace fc {

class ManifestConditions : public explain::Conditions {
public:
  std::string text(const std::string &expression) const override;
  std::optional<int64_t> value(const std::string &expression, const explain::Launch &launch,
                               int64_t sms) const override;
};

} // namespace fc
