// PtxDeclarations.cpp - types, state spaces, and declarations of variables with their initialisers.
#include "runtime/emulator/PtxParser.h"

#include <cstring>
#include <set>
#include <unordered_map>

namespace fc::emu::ptx {

namespace {

struct TypeRow {
  Type type;
  std::string_view name;
  unsigned bits;
};
constexpr TypeRow typeRows[] = {
    {Type::None, "", 0},          {Type::Pred, "pred", 0},      {Type::B8, "b8", 8},
    {Type::B16, "b16", 16},       {Type::B32, "b32", 32},       {Type::B64, "b64", 64},
    {Type::B128, "b128", 128},    {Type::U8, "u8", 8},          {Type::U16, "u16", 16},
    {Type::U32, "u32", 32},       {Type::U64, "u64", 64},       {Type::S8, "s8", 8},
    {Type::S16, "s16", 16},       {Type::S32, "s32", 32},       {Type::S64, "s64", 64},
    {Type::F16, "f16", 16},       {Type::F16x2, "f16x2", 32},   {Type::BF16, "bf16", 16},
    {Type::BF16x2, "bf16x2", 32}, {Type::F32, "f32", 32},       {Type::F64, "f64", 64},
    {Type::TF32, "tf32", 32},     {Type::E4M3, "e4m3", 8},      {Type::E5M2, "e5m2", 8},
    {Type::E4M3x2, "e4m3x2", 16}, {Type::E5M2x2, "e5m2x2", 16}, {Type::S4, "s4", 4},
    {Type::U4, "u4", 4},          {Type::U16x2, "u16x2", 32},   {Type::S16x2, "s16x2", 32},
};

} // namespace

unsigned bitsOf(Type type) { return typeRows[unsigned(type)].bits; }
std::string_view nameOf(Type type) { return typeRows[unsigned(type)].name; }

Type typeOf(std::string_view word) {
  static const std::unordered_map<std::string_view, Type> types = [] {
    std::unordered_map<std::string_view, Type> map;
    for (const TypeRow &row : typeRows)
      if (row.type != Type::None)
        map.emplace(row.name, row.type);
    return map;
  }();
  auto found = types.find(word);
  return found == types.end() ? Type::None : found->second;
}

bool isSpecialRegister(std::string_view word) {
  static const std::set<std::string_view> names = {"%tid",
                                                   "%ntid",
                                                   "%ctaid",
                                                   "%nctaid",
                                                   "%laneid",
                                                   "%warpid",
                                                   "%nwarpid",
                                                   "%clusterid",
                                                   "%nclusterid",
                                                   "%cluster_ctaid",
                                                   "%cluster_nctaid",
                                                   "%cluster_ctarank",
                                                   "%cluster_nctarank",
                                                   "%is_explicit_cluster",
                                                   "%lanemask_eq",
                                                   "%lanemask_le",
                                                   "%lanemask_lt",
                                                   "%lanemask_ge",
                                                   "%lanemask_gt",
                                                   "%clock",
                                                   "%clock64",
                                                   "%clock_hi",
                                                   "%globaltimer",
                                                   "%globaltimer_lo",
                                                   "%globaltimer_hi",
                                                   "%smid",
                                                   "%nsmid",
                                                   "%gridid",
                                                   "%dynamic_smem_size",
                                                   "%total_smem_size",
                                                   "%aggr_smem_size"};
  return names.count(word) != 0;
}

bool isDimensioned(std::string_view word) {
  return word == "%tid" || word == "%ntid" || word == "%ctaid" || word == "%nctaid" ||
         word == "%clusterid" || word == "%nclusterid" || word == "%cluster_ctaid" ||
         word == "%cluster_nctaid";
}

bool isSpaceWord(std::string_view word) {
  return word == "shared" || word == "local" || word == "global" || word == "const" ||
         word == "param";
}

Space spaceOf(std::string_view word) {
  return word == "shared"  ? Space::Shared
         : word == "local" ? Space::Local
         : word == "const" ? Space::Const
         : word == "param" ? Space::Param
                           : Space::Global;
}

Variable DeclarationParser::parseVariableHead(Space space) {
  Variable variable;
  variable.space = space;
  variable.element = Type::None;
  uint32_t align = 0;
  unsigned vector = 1;
  for (; token.kind == TokenKind::Dotted;) {
    std::string_view text = token.text;
    if (text == "align") {
      advance();
      align = small("an alignment");
      if (!align || (align & (align - 1)) || align > 4096)
        fail(fmt::format("alignment {} is not a power of two up to 4096", align));
      continue;
    }
    if (text == "ptr") {
      // .ptr {.space} {.align N}: what a pointer parameter points to.
      advance();
      if (token.kind == TokenKind::Dotted && isSpaceWord(token.text))
        advance();
      if (atDotted("align")) {
        advance();
        small("an alignment");
      }
      continue;
    }
    if (text == "attribute") {
      advance();
      expect('(');
      while (!token.is(')') && token.kind != TokenKind::End)
        advance();
      expect(')');
      continue;
    }
    if (text == "v2" || text == "v4")
      vector = text == "v2" ? 2 : 4;
    else if (Type type = typeOf(text); type != Type::None && type != Type::Pred)
      variable.element = type;
    else
      fail(fmt::format("`.{}` is not known in a declaration", text));
    advance();
  }
  if (variable.element == Type::None)
    fail(fmt::format("a declaration needs a type before {}", seen()));
  uint32_t element = bitsOf(variable.element) / 8 * vector;
  variable.align = align ? align : element;
  variable.bytes = element;
  return variable;
}

void DeclarationParser::parseVariableName(Variable &variable, bool external) {
  variable.line = token.line;
  variable.name = word("a name");
  bool open = false;
  while (accept('[')) {
    if (accept(']')) {
      open = true;
      variable.bytes = 0;
      continue;
    }
    uint64_t count = integer("an array size");
    if (count && variable.bytes > maxVariableBytes / count)
      fail(fmt::format("`{}` is larger than {} bytes", variable.name, maxVariableBytes));
    variable.bytes *= count;
    expect(']');
  }
  variable.external = external && variable.space == Space::Shared;
  if (variable.external)
    variable.bytes = 0;
  if (accept('=')) {
    parseInitializer(variable);
    if (open)
      variable.bytes = variable.init.size();
  }
  if (variable.init.size() > variable.bytes)
    fail(fmt::format("`{}` has {} bytes but {} bytes of initialisers", variable.name,
                     variable.bytes, variable.init.size()));
}

void DeclarationParser::parseInitializer(Variable &variable) {
  unsigned width = bitsOf(variable.element) / 8;
  auto append = [&](uint64_t bits, unsigned bytes) {
    if (variable.init.size() + bytes > maxVariableBytes)
      fail("an initialiser is too long");
    for (unsigned i = 0; i < bytes; ++i)
      variable.init.push_back(std::byte(i < 8 ? bits >> (8 * i) : 0));
  };
  // Braces nest as the dimensions do; PTX lays them out row by row without gaps when all are
  // given.
  unsigned depth = 0;
  do {
    while (accept('{'))
      if (++depth > maxNesting)
        fail("an initialiser is nested too deeply");
    if (depth && token.is('}')) {
      // an empty list
    } else if (token.kind == TokenKind::Word) {
      bool generic = token.text == "generic";
      std::string_view name = word("a symbol");
      if (generic) {
        expect('(');
        name = word("a symbol");
        expect(')');
      }
      int64_t addend = 0;
      if (accept('+'))
        addend = int64_t(integer("an offset"));
      variable.fixups.push_back({variable.init.size(), name, addend});
      append(0, width);
    } else {
      bool minus = accept('-');
      if (token.kind == TokenKind::Single) {
        uint32_t bits = uint32_t(token.bits);
        append(minus ? bits ^ 0x80000000u : bits, width);
      } else if (token.kind == TokenKind::Double) {
        double value;
        std::memcpy(&value, &token.bits, 8);
        value = minus ? -value : value;
        if (variable.element == Type::F32) {
          float single = float(value);
          uint32_t bits;
          std::memcpy(&bits, &single, 4);
          append(bits, 4);
        } else {
          uint64_t bits;
          std::memcpy(&bits, &value, 8);
          append(bits, width);
        }
      } else if (token.kind == TokenKind::Integer) {
        append(minus ? 0 - token.bits : token.bits, width);
      } else {
        fail(fmt::format("expected a constant, found {}", seen()));
      }
      advance();
    }
    while (depth && accept('}'))
      --depth;
  } while (accept(','));
  if (depth)
    fail(fmt::format("expected `}}`, found {}", seen()));
}

} // namespace fc::emu::ptx
