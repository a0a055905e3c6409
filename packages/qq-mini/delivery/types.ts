/**
 * Makes the types of what is published, from those of the sources: one file that needs nothing but Node's types. What an
 * app without Effect can't use is left out, and what is computed (such as the calls) is written out, with its docstrings.
 *
 *     npx -y pnpm@12.21.0 --filter qq-mini build
 */
import { mkdir, writeFile } from "node:fs/promises"
import { basename, dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import ts from "typescript-api"
import { delivered, nodeEntries } from "./build.ts"

const home = join(dirname(fileURLToPath(import.meta.url)), "..")

/** Types that stand for values of effect, which an app only passes on. */
const opaque = {
  Store: "A store over your own client of Redis, made by `fromClient` of `qq-mini/redis`.",
  RedisConnection: "Your own client of Redis for work in bulk, made by `layerRedisFromClient` of `qq-mini/redis`."
}

const written = `
/** A dispatcher of undici 8, such as an \`Agent\` or a \`MockAgent\`. */
export interface Dispatcher {
  dispatch(options: never, handler: never): boolean
}

/** Milliseconds, or a text such as \`"3 seconds"\`. */
export type Duration =
  | number
  | \`\${number} \${"milli" | "second" | "minute" | "hour" | "day" | "week"}\${"" | "s"}\`
`

const options: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2024,
  lib: ["lib.es2024.d.ts", "lib.esnext.disposable.d.ts", "lib.dom.d.ts", "lib.dom.iterable.d.ts"],
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  types: ["node"],
  strict: true,
  exactOptionalPropertyTypes: true,
  allowImportingTsExtensions: true,
  noEmit: true,
  skipLibCheck: true
}

/** Modules that share their types. `shared` is the file of these, as the modules import it. */
interface Group {
  readonly entries: ReadonlyArray<string>
  readonly shared: string
}

// Both kinds of modules of Node can import types from CommonJS. Those of the edge need nothing of Node.
const groups: ReadonlyArray<Group> = [
  { entries: nodeEntries, shared: "./types.cjs" },
  { entries: ["edge"], shared: "./edge-types.js" }
]

const sourceOf = (entry: string) => join(home, `src/${entry}.ts`)

const fileOf = (symbol: ts.Symbol | undefined): string => symbol?.declarations?.[0]?.getSourceFile().fileName ?? ""

// Literals and mapped types, such as those that effect computes of a schema, have names that begin with `__`.
const isInEffect = (symbol: ts.Symbol | undefined) => /\/node_modules\/effect\//.test(fileOf(symbol))
const isEffects = (symbol: ts.Symbol | undefined) => symbol?.name.startsWith("__") === false && isInEffect(symbol)
const isOurs = (symbol: ts.Symbol | undefined) => /\/packages\/[\w-]+\/src\//.test(fileOf(symbol))

const isNothing = (type: ts.Type) => (type.flags & (ts.TypeFlags.Undefined | ts.TypeFlags.Null)) !== 0

const isDuration = ({ aliasSymbol }: ts.Type) => aliasSymbol?.name === "Input" && /Duration/.test(fileOf(aliasSymbol))

const keyText = (symbol: ts.Symbol): string | undefined => {
  if (/^(__)?#/.test(symbol.name)) return undefined // private
  const known = /^__@(\w+)@\d+$/.exec(symbol.escapedName as string)?.[1]
  if (known !== undefined)
    return /^(asyncDispose|asyncIterator|iterator)$/.test(known) ? `[Symbol.${known}]` : undefined
  return /^[\w$]+$/.test(symbol.name) ? symbol.name : JSON.stringify(symbol.name)
}

const isEffect = (type: ts.Type) => type.symbol?.name === "Effect" && isEffects(type.symbol)

const isReference = (type: ts.Type): boolean => ((type as ts.ObjectType).objectFlags & ts.ObjectFlags.Reference) !== 0

// The kinds of aliases that say themselves what they are.
const writtenOut = new Set([
  ts.SyntaxKind.UnionType,
  ts.SyntaxKind.FunctionType,
  ts.SyntaxKind.TypeLiteral,
  ts.SyntaxKind.TypeReference
])

/** Whether an alias computes its type, so that it must be written out. */
const isComputed = (alias: ts.Symbol, type: ts.Type): boolean => {
  if (type.isUnion() && type.types.every((one) => one.isLiteral())) return false
  const declaration = alias.declarations?.find(ts.isTypeAliasDeclaration)
  if (declaration === undefined) return true
  const { kind } = declaration.type
  return !writtenOut.has(kind)
}

const isType = ({ declarations = [] }: ts.Symbol) =>
  declarations.some(
    (one) => ts.isExportSpecifier(one) && (one.isTypeOnly || (one.parent.parent as ts.ExportDeclaration).isTypeOnly)
  )

/** Prints the types of a group: the text of each entry, and what they share. */
const print = (program: ts.Program, { entries, shared }: Group): ReadonlyMap<string, string> => {
  const checker = program.getTypeChecker()

  // Names

  const declarations = new Map<string, string>()
  const named = new Map<ts.Symbol, string>()
  const imports = new Map<string, Set<string>>()
  const pending: Array<() => void> = []

  /** The name of a declaration. Of two with the same name, the second is named after its file too. */
  const nameOf = (symbol: ts.Symbol, declare: (name: string) => string): string => {
    const known = named.get(symbol)
    if (known !== undefined) return known
    const file = basename(fileOf(symbol), ".ts").replace(/^\w/, (letter) => letter.toUpperCase())
    const taken = new Set(named.values())
    const name = [symbol.name, `${file}${symbol.name}`, `${file}${symbol.name}2`].find((one) => !taken.has(one))
    if (name === undefined) throw new Error(`Too many types are named ${symbol.name}`)
    named.set(symbol, name)
    pending.push(() => declarations.set(name, declare(name)))
    return name
  }

  /** What a member is computed of, or is another name of. */
  const originOf = (symbol: ts.Symbol): ts.Symbol | undefined => {
    const { links } = symbol as { readonly links?: { readonly syntheticOrigin?: ts.Symbol } }
    const [declaration] = symbol.declarations ?? []
    const origin =
      links?.syntheticOrigin ??
      (declaration !== undefined && ts.isShorthandPropertyAssignment(declaration)
        ? checker.getShorthandAssignmentValueSymbol(declaration)
        : declaration !== undefined && ts.isPropertyAssignment(declaration) && ts.isIdentifier(declaration.initializer)
          ? checker.getSymbolAtLocation(declaration.initializer)
          : undefined)
    const made = origin !== undefined && origin.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(origin) : origin
    // The docstring of a schema says nothing about the field.
    return made !== undefined && isEffects(checker.getTypeOfSymbol(made).symbol) ? undefined : made
  }

  const docOf = (symbol: ts.Symbol, indent: string): string => {
    // A name may be a value and a type, with a docstring each.
    const [alias] = symbol.declarations?.filter(ts.isTypeAliasDeclaration) ?? []
    const docs = alias === undefined ? [] : ts.getJSDocCommentsAndTags(alias).filter(ts.isJSDoc)
    const own =
      alias === undefined
        ? ts.displayPartsToString(symbol.getDocumentationComment(checker))
        : docs.map(({ comment }) => ts.getTextOfJSDocComment(comment) ?? "").join("\n")
    const origin = own === "" ? originOf(symbol) : undefined
    if (origin !== undefined) return docOf(origin, indent)
    // A link leads nowhere outside of the sources.
    const text = own.replace(/\{@link (\S+?)\s*\}/g, "`$1`")
    if (text === "") return ""
    const lines = text.split("\n")
    return lines.length === 1 && text.length < 100
      ? `${indent}/** ${text} */\n`
      : `${indent}/**\n${lines.map((line) => `${indent} * ${line}`.trimEnd()).join("\n")}\n${indent} */\n`
  }

  // Types

  const isFunction = (type: ts.Type) =>
    type.getCallSignatures().length > 0 && checker.getPropertiesOfType(type).length === 0

  /** Whether an app without Effect can't use a type: it is one of effect's, or a function or service of such. */
  const isForeign = (type: ts.Type, seen: ReadonlySet<ts.Type> = new Set()): boolean => {
    // A generic function may be instantiated for ever.
    if (seen.has(type) || seen.size > 5) return false
    const next = new Set([...seen, type])
    if (opaqueName(type) !== undefined) return false
    if (type.isUnion()) return type.types.filter((one) => !isNothing(one)).every((one) => isForeign(one, next))
    if (isEffects(type.symbol) || isEffects(type.aliasSymbol)) return !isDuration(type)
    if (!(type.flags & ts.TypeFlags.Object) || !(isOurs(type.symbol) || isFunction(type))) return false
    if (isFunction(type)) {
      return type.getCallSignatures().some((signature) => {
        const parameters = signature.parameters.map((one) => checker.getTypeOfSymbol(one))
        return [...parameters, signature.getReturnType()].some((one) => isForeign(one, next))
      })
    }
    return isService(type, next)
  }
  const isService = (type: ts.Type, seen: ReadonlySet<ts.Type>) =>
    type.isClass() === false &&
    checker.getPropertiesOfType(type).some((one) => {
      const member = checker.getTypeOfSymbol(one)
      return member.getCallSignatures().some((call) => isEffect(call.getReturnType())) || isEffect(member)
        ? true
        : isFunction(member) && isForeign(member, seen) && !(one.flags & ts.SymbolFlags.Optional)
    })
  const opaqueName = (type: ts.Type): keyof typeof opaque | undefined => {
    if (type.symbol?.name !== "Layer" || !isEffects(type.symbol)) return undefined
    const [provided] = checker.getTypeArguments(type as ts.TypeReference)
    const services = (provided!.isUnion() ? provided.types : [provided!]).map(({ symbol }) => symbol?.name)
    if (services.some((name) => name === "TokenCache" || name === "PushStore")) return "Store"
    return services.includes("Redis") ? "RedisConnection" : undefined
  }

  // What may be left out is of another type than what may be `undefined`.
  const isLeftOut = (type: ts.Type) =>
    (type.flags & ts.TypeFlags.Undefined) !== 0 && type !== checker.getUndefinedType()

  const union = (type: ts.UnionType, indent: string): string => {
    // As it was written: TypeScript keeps it beside the members of all its unions.
    const { origin = type } = type as { readonly origin?: ts.Type }
    const types = origin.isUnion() ? origin.types : type.types
    const kept = types.filter((one) => !isForeign(one) && !isLeftOut(one))
    const texts = new Set(
      kept.map((one) => typeText(one, indent)).map((text) => (/^[(<]/.test(text) ? `(${text})` : text))
    )
    if (texts.delete("false") && texts.delete("true")) texts.add("boolean")
    // TypeScript lists undefined first.
    const [nothing, others] = [["null", "undefined"].filter((one) => texts.delete(one)), [...texts]]
    return [...others, ...nothing].join(" | ") || "never"
  }

  // Literals become one, and what has a name keeps it.
  const intersection = (type: ts.IntersectionType, indent: string): string =>
    type.types.some(({ symbol }) => symbol?.name.startsWith("__") === false)
      ? type.types.map((one) => typeText(one, indent)).join(" & ")
      : membersText(type, indent)

  const signatureText = (signature: ts.Signature, indent: string, arrow: string): string => {
    const generics = (signature.typeParameters ?? []).map(parameterText)
    const parameters = signature.parameters.flatMap((one) => {
      const declaration = one.valueDeclaration as ts.ParameterDeclaration | undefined
      const isRest = declaration?.dotDotDotToken !== undefined
      const isOptional =
        (one.flags & ts.SymbolFlags.Optional) !== 0 ||
        (declaration !== undefined && ts.isParameter(declaration) && checker.isOptionalParameter(declaration))
      const type = checker.getTypeOfSymbol(one)
      if (checker.isTupleType(type)) return tupleParameters(type as ts.TypeReference, indent)
      const name = /^\w+$/.test(one.name) && !one.name.startsWith("__") ? one.name : "options"
      return `${isRest ? "..." : ""}${name}${isOptional ? "?" : ""}: ${typeText(type, indent)}`
    })
    const predicate = checker.getTypePredicateOfSignature(signature)
    const result =
      predicate?.type === undefined
        ? typeText(signature.getReturnType(), indent)
        : `${predicate.parameterName} is ${typeText(predicate.type, indent)}`
    return `${generics.length > 0 ? `<${generics.join(", ")}>` : ""}(${parameters.join(", ")})${arrow}${result}`
  }

  /** The parameters of a function that takes those of another one. */
  const tupleParameters = (type: ts.TypeReference, indent: string): ReadonlyArray<string> => {
    const { elementFlags, labeledElementDeclarations } = type.target as ts.TupleType
    return checker.getTypeArguments(type).map((one, i) => {
      const label = labeledElementDeclarations?.[i]?.name
      const name = label !== undefined && ts.isIdentifier(label) ? label.text : "options"
      return `${name}${elementFlags[i]! & ts.ElementFlags.Optional ? "?" : ""}: ${typeText(one, indent)}`
    })
  }

  const parameterText = (type: ts.Type): string => {
    const constraint = type.getConstraint()
    return `${type.symbol.name}${constraint === undefined ? "" : ` extends ${typeText(constraint, "")}`}`
  }

  const memberText = (symbol: ts.Symbol, indent: string): string => {
    const key = keyText(symbol)
    // Of a class of ours: what effect or JavaScript gives to all errors.
    if (key === undefined || isInEffect(symbol) || key.startsWith('"~')) return ""
    const isOptional = (symbol.flags & ts.SymbolFlags.Optional) !== 0
    const mark = isOptional ? "?" : ""
    // Of a method of what an app gives, such as a binding of Workers, the parameters may be narrower.
    if (symbol.declarations?.length === 1 && ts.isMethodSignature(symbol.declarations[0]!)) {
      const [signature] = checker.getNonNullableType(checker.getTypeOfSymbol(symbol)).getCallSignatures()
      return `${docOf(symbol, indent)}${indent}${key}${mark}${signatureText(signature!, indent, ": ")}\n`
    }
    const text = typeText(checker.getTypeOfSymbol(symbol), indent)
    if (isOptional && /^(never|undefined)$/.test(text)) return ""
    return `${docOf(symbol, indent)}${indent}readonly ${key}${mark}: ${text}\n`
  }

  const membersText = (type: ts.Type, indent: string, without: ReadonlyArray<string> = []): string => {
    const inner = `${indent}  `
    const members = checker.getPropertiesOfType(type).filter(({ name }) => !without.includes(name))
    const indexes = checker
      .getIndexInfosOfType(type)
      .map(
        ({ keyType, type: value }) => `${inner}readonly [key: ${typeText(keyType, inner)}]: ${typeText(value, inner)}\n`
      )
    const calls = type.getCallSignatures().map((one) => `${inner}${signatureText(one, inner, ": ")}\n`)
    const all = [...calls, ...indexes, ...members.map((one) => memberText(one, inner))].join("")
    return all === "" ? "{}" : `{\n${all}${indent}}`
  }

  const argumentsText = (types: ReadonlyArray<ts.Type>, indent: string) =>
    types.length === 0 ? "" : `<${types.map((one) => typeText(one, indent)).join(", ")}>`

  const primitives =
    ts.TypeFlags.Any |
    ts.TypeFlags.Unknown |
    ts.TypeFlags.String |
    ts.TypeFlags.Number |
    ts.TypeFlags.Boolean |
    ts.TypeFlags.BigInt |
    ts.TypeFlags.ESSymbol |
    ts.TypeFlags.Void |
    ts.TypeFlags.Undefined |
    ts.TypeFlags.Null |
    ts.TypeFlags.Never |
    ts.TypeFlags.NonPrimitive |
    ts.TypeFlags.Literal |
    ts.TypeFlags.TemplateLiteral

  const typeText = (type: ts.Type, indent: string): string => {
    if (type.flags & ts.TypeFlags.TypeParameter) return type.symbol.name
    const { aliasSymbol, aliasTypeArguments = [] } = type
    if (isDuration(type)) return "Duration"
    if (aliasSymbol !== undefined && isOurs(aliasSymbol) && !isComputed(aliasSymbol, type)) {
      const name = nameOf(aliasSymbol, (name) => aliasText(aliasSymbol, name))
      return `${name}${argumentsText(aliasTypeArguments, indent)}`
    }
    if (type.flags & primitives) return checker.typeToString(type, undefined, ts.TypeFormatFlags.NoTruncation)
    if (type.isUnion()) return union(type, indent)
    if (type.isIntersection()) return intersection(type, indent)
    if (checker.isArrayType(type)) {
      const [item] = checker.getTypeArguments(type as ts.TypeReference)
      return `${type.symbol.name}<${typeText(item!, indent)}>`
    }
    if (checker.isTupleType(type)) {
      const items = checker.getTypeArguments(type as ts.TypeReference).map((one) => typeText(one, indent))
      return `${(type as unknown as ts.TupleTypeReference).target.readonly ? "readonly " : ""}[${items.join(", ")}]`
    }
    const opaque = opaqueName(type)
    if (opaque !== undefined) return opaque
    const { symbol } = type
    if (isFunction(type) && type.getCallSignatures().length === 1) {
      return signatureText(type.getCallSignatures()[0]!, indent, " => ")
    }
    if (symbol !== undefined && !(symbol.flags & ts.SymbolFlags.TypeLiteral) && symbol.name !== "__object") {
      const isResolved = ownArguments(type).some((one) => one.isLiteral())
      if (isOurs(symbol) && !isResolved && (type.isClassOrInterface() || isReference(type))) {
        const name = nameOf(symbol, (name) => interfaceText(symbol, name))
        return `${name}${argumentsText(ownArguments(type), indent)}`
      }
      if (!isOurs(symbol) && !isEffects(symbol) && type.isClassOrInterface() === true)
        return globalText(symbol, [], indent)
      if (!isOurs(symbol) && !isEffects(symbol) && isReference(type))
        return globalText(symbol, ownArguments(type), indent)
    }
    if (isEffects(symbol)) throw new Error(`A type of effect is left: ${checker.typeToString(type)}`)
    return membersText(type, indent)
  }

  const ownArguments = (type: ts.Type): ReadonlyArray<ts.Type> =>
    isReference(type)
      ? checker
          .getTypeArguments(type as ts.TypeReference)
          .slice(0, (type as ts.TypeReference).target.typeParameters?.length ?? 0)
      : []

  /** A type of JavaScript or Node. */
  const globalText = (symbol: ts.Symbol, types: ReadonlyArray<ts.Type>, indent: string): string => {
    const module = symbol.declarations
      ?.map((one) => one.parent?.parent)
      .find((one) => one !== undefined && ts.isModuleDeclaration(one) && ts.isStringLiteral(one.name))
    if (module !== undefined && ts.isModuleDeclaration(module)) {
      const from = module.name.text.replace(/^(?!node:)/, "node:")
      imports.set(from, (imports.get(from) ?? new Set()).add(symbol.name))
    }
    // Views of bytes have a parameter since TypeScript 5.7 only.
    const shown = /^(ArrayBufferView|Uint8Array)$/.test(symbol.name)
      ? []
      : types.filter(({ flags }) => !(flags & ts.TypeFlags.Any))
    return `${symbol.name}${argumentsText(shown, indent)}`
  }

  const genericsText = (types: ReadonlyArray<ts.Type> | undefined) =>
    types === undefined || types.length === 0 ? "" : `<${types.map(parameterText).join(", ")}>`

  const aliasText = (symbol: ts.Symbol, name: string): string => {
    const type = checker.getDeclaredTypeOfSymbol(symbol)
    const generics = genericsText(type.aliasTypeArguments)
    const text = type.isUnion()
      ? union(type, "")
      : isFunction(type)
        ? signatureText(type.getCallSignatures()[0]!, "", " => ")
        : type.isIntersection()
          ? intersection(type, "")
          : membersText(type, "")
    return `${docOf(symbol, "")}export type ${name}${generics} = ${text}\n`
  }

  const interfaceText = (symbol: ts.Symbol, name: string): string => {
    const type = checker.getDeclaredTypeOfSymbol(symbol) as ts.InterfaceType
    const isError = checker.getPropertyOfType(type, "stack") !== undefined
    const generics = genericsText(type.typeParameters)
    // What it extends keeps its name, unless that is computed.
    const bases = isError
      ? []
      : checker.getBaseTypes(type).filter((base) => isOurs(base.symbol) && base.isClassOrInterface())
    const inherited = bases.flatMap((base) => checker.getPropertiesOfType(base).map(({ name }) => name))
    const parents = isError ? ["Error"] : bases.map((base) => typeText(base, ""))
    const heritage = parents.length === 0 ? "" : ` extends ${parents.join(", ")}`
    const members = membersText(type, "", isError ? errorMembers : inherited)
    return `${docOf(symbol, "")}export interface ${name}${generics}${heritage} ${members}\n`
  }
  const errorMembers = ["name", "message", "stack", "cause", "toString", "pipe", "asEffect", "toJSON"]

  // Entries

  /** The declarations of an entry's values. */
  const values = new Map(entries.map((name) => [name, new Array<string>()]))
  for (const entry of entries) {
    const module = checker.getSymbolAtLocation(program.getSourceFile(sourceOf(entry))!)!
    for (const one of checker.getExportsOfModule(module)) {
      const { name } = one
      const symbol = one.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(one) : one
      if (isType(one)) {
        named.set(symbol, name)
        const { aliasSymbol } = checker.getDeclaredTypeOfSymbol(symbol)
        if (aliasSymbol !== undefined) named.set(aliasSymbol, name)
        const isAlias = (symbol.flags & ts.SymbolFlags.TypeAlias) !== 0
        pending.push(() => declarations.set(name, isAlias ? aliasText(symbol, name) : interfaceText(symbol, name)))
        continue
      }
      const type = checker.getTypeOfSymbol(symbol)
      const declare = (text: string) => values.get(entry)!.push(`${docOf(symbol, "")}export declare ${text}\n`)
      if (type.getConstructSignatures().length > 0) {
        const made = checker.getDeclaredTypeOfSymbol(symbol).symbol
        const [constructor] = checker.getTypeOfSymbol(made).getConstructSignatures()
        nameOf(made, (name) => interfaceText(made, name))
        const { typeParameters = [] } = checker.getDeclaredTypeOfSymbol(made) as ts.InterfaceType
        const given = typeParameters.length === 0 ? "" : `<${typeParameters.map(() => "unknown").join(", ")}>`
        pending.push(() => {
          const constructed = signatureText(constructor!, "  ", ": ")
          declare(`const ${name}: {\n  new ${constructed}\n  readonly prototype: ${name}${given}\n}`)
          const generics = typeParameters.map(parameterText)
          const own = generics.length === 0 ? "" : `<${generics.join(", ")}>`
          values.get(entry)!.push(`export type ${name}${own} = types.${name}${own}\n`)
        })
      } else if (isFunction(type)) {
        pending.push(() => declare(`function ${name}${signatureText(type.getCallSignatures()[0]!, "", ": ")}`))
      } else {
        pending.push(() => declare(`const ${name}: ${typeText(type, "")}`))
      }
    }
  }
  for (let next = pending.shift(); next !== undefined; next = pending.shift()) next()

  const head = Array.from(imports, ([from, what]) => `import type { ${[...what].join(", ")} } from "${from}"\n`)
  const given = Object.entries(opaque).map(
    ([name, doc]) => `/** ${doc} */\nexport interface ${name} {\n  readonly "~qq-mini": "${name}"\n}\n`
  )
  const types = [...declarations].toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([, text]) => text)
  const files = new Map([[shared, [...head, written.trimStart(), ...given, ...types].join("\n")]])
  const known = [...declarations.keys(), ...Object.keys(opaque), "Duration"]
  for (const [entry, texts] of values) {
    const text = texts.join("\n")
    const code = text.replace(/\/\*\*.*?\*\//gs, "")
    const used = known.filter(
      (name) => new RegExp(`\\b${name}\\b`).test(code) && !new RegExp(`export type ${name}\\b`).test(code)
    )
    const imported = [
      ...(code.includes("types.") ? [`import type * as types from "${shared}"\n`] : []),
      `import type { ${used.join(", ")} } from "${shared}"\n`
    ]
    files.set(entry, `${imported.join("")}\nexport type * from "${shared}"\n\n${text}`)
  }
  return files
}

/** Writes the types beside the code. */
export const deliverTypes = async (to: string = delivered): Promise<void> => {
  await mkdir(to, { recursive: true })
  const program = ts.createProgram(
    groups.flatMap(({ entries }) => entries.map(sourceOf)),
    options
  )
  for (const group of groups) {
    for (const [name, text] of print(program, group)) {
      const isForBoth = nodeEntries.includes(name)
      const file = name === group.shared ? name.replace(/\.(c?)js$/, ".d.$1ts") : `${name}.d.ts`
      await writeFile(join(to, file), text)
      if (isForBoth) await writeFile(join(to, `${name}.d.cts`), text)
    }
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await deliverTypes()
