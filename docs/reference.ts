/** Writes the reference into `api/`, from the docstrings of the public modules. */
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import {
  Application,
  Comment,
  type Context,
  Converter,
  type DeclarationReflection,
  ReferenceType,
  ReflectionKind,
  ReflectionType,
  type SomeType
} from "typedoc"
import type { PluginOptions } from "typedoc-plugin-markdown"
import { packages } from "./modules.ts"

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))

const modules = new Map(packages.flatMap(({ modules }) => modules.map(({ file, name }) => [file, name])))

const layout: Partial<PluginOptions> = {
  entryFileName: "index",
  hideBreadcrumbs: true,
  hidePageHeader: true,
  interfacePropertiesFormat: "table",
  parametersFormat: "table",
  typeDeclarationFormat: "table",
  tableColumnSettings: { hideInherited: true, hideModifiers: true, hideSources: true },
  outputFileStrategy: "modules",
  useCodeBlocks: true
}

const app = await Application.bootstrapWithPlugins({
  entryPoints: [...modules.keys()],
  tsconfig: here("tsconfig.json"),
  plugin: ["typedoc-plugin-markdown"],
  out: here("api"),
  name: "API",
  readme: "none",
  disableGit: true,
  sourceLinkTemplate: "https://github.com/qq-mini/qq-mini/blob/main/packages/{path}#L{line}",
  excludeExternals: true,
  excludePrivate: true,
  // `pnpm check` has checked the types.
  skipErrorChecking: true,
  treatWarningsAsErrors: true,
  ...layout
})

/** The text at the top of a module, which typedoc takes only with a tag. */
const introductionOf = (file: string): Comment => {
  const [, text = ""] =
    /^\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\n(?:import|export (?:type )?[*{])/.exec(readFileSync(file, "utf8")) ?? []
  const plain = text.replace(/^ *\*? ?/gm, "").replace(/\{@link (\S+?)\}/g, "`$1`")
  return new Comment([{ kind: "text", text: plain.trim() }])
}

/** Leaves out the schemas of calls and errors: the parameters, the results and the classes say the same. */
const shorten = (type: SomeType | undefined): void => {
  for (const part of type?.type === "intersection" ? type.types : [type]) {
    if (part instanceof ReferenceType && /^(Endpoint|Schemed)$/.test(part.name)) part.typeArguments?.splice(1)
  }
}

/** Leads from a type that has only another name here to its declaration. */
const lead = ({ comment, name, type }: DeclarationReflection): void => {
  if (!(type instanceof ReferenceType) || type.reflection?.name !== name) return
  comment?.summary.push(
    { kind: "text", text: "\n\nSee " },
    { kind: "inline-tag", tag: "@link", text: name, target: type.reflection },
    { kind: "text", text: "." }
  )
}

/** The methods of a service are in a type argument, where their docstrings are not shown. */
const unfold = (service: DeclarationReflection): void => {
  const [base] = service.extendedTypes ?? []
  if (!(base instanceof ReferenceType) || base.package !== "effect" || base.name !== "Shape") return
  const shape = base.typeArguments?.[1]
  if (!(shape instanceof ReflectionType)) return
  for (const member of shape.declaration.children ?? []) {
    member.parent = service
    service.addChild(member)
  }
}

/** Leaves out bases that are not public, and where each member comes from. */
const tidy = (reflection: DeclarationReflection): void => {
  if (!reflection.kindOf(ReflectionKind.Module) && !reflection.parent?.kindOf(ReflectionKind.Module)) {
    delete reflection.sources
  }
  delete reflection.inheritedFrom
  delete reflection.overwrites
  const bases = reflection.extendedTypes?.filter((type) => type instanceof ReferenceType && type.reflection)
  if (bases === undefined || bases.length === 0) delete reflection.extendedTypes
  else reflection.extendedTypes = bases
}

app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }: Context) => {
  for (const constructor of project.getReflectionsByKind(ReflectionKind.Constructor)) {
    if ((constructor as DeclarationReflection).inheritedFrom !== undefined) project.removeReflection(constructor)
  }
  for (const reflection of Object.values(project.reflections) as Array<DeclarationReflection>) {
    if (reflection.kindOf(ReflectionKind.Class)) unfold(reflection)
    if (reflection.kindOf(ReflectionKind.TypeAlias)) lead(reflection)
    shorten(reflection.type)
    tidy(reflection)
  }
})

app.converter.on(Converter.EVENT_RESOLVE_END, ({ project }: Context) => {
  for (const module of project.getReflectionsByKind(ReflectionKind.Module) as Array<DeclarationReflection>) {
    const file = module.sources?.[0]?.fullFileName ?? ""
    module.name = modules.get(file) ?? module.name
    module.comment = introductionOf(file)
  }
  // Inheritance is known only now.
  for (const reflection of Object.values(project.reflections) as Array<DeclarationReflection>) {
    delete reflection.inheritedFrom
    delete reflection.overwrites
  }
})

const project = await app.convert()
if (project === undefined) process.exit(1)
app.validate(project)
await app.generateOutputs(project)
if (app.logger.hasErrors() || app.logger.hasWarnings()) process.exit(1)
