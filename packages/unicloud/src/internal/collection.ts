/** The cloud database as the stores use it: its answers and errors, alike on all providers. */
import { says, shown, uniCloudDatabase } from "@qq-mini/core/adapter/shown"
import { TokenCacheError } from "@qq-mini/core/TokenCache"
import type { Collection, Document } from "../UniCloud.ts"

/** How to create a missing collection, in both languages. */
export const howToCreate = {
  en: "create it in the uniCloud web console (Database > New collection), or upload its schema from uniCloud/database",
  zh: "请在 uniCloud web 控制台“云数据库”中新建该集合，或上传 uniCloud/database 下对应的 schema"
}

/** Throws an answer that is an error: one provider resolves where the others reject. */
export const check = <A>(answer: A): A => {
  if ((answer as { readonly code?: unknown } | undefined)?.code) throw answer
  return answer
}

/** The document with this `_id`, in an array that is empty where there is none. */
export const get = async (collection: Collection, id: string): Promise<ReadonlyArray<Document>> =>
  check(await collection.doc(id).get()).data

const missingCollection =
  /collection.{0,80}(not\s*(exist|found)|non-?exist)|not found collection|COLLECTION_NOT_EXIST|集合.{0,20}不存在/i

const isMissing = (error: unknown): boolean => says(error, missingCollection)

/** Whether the collection exists. Where the first document creates it, as on aliyun, this creates it. */
export const exists = async (collection: Collection): Promise<boolean> => {
  const _id = "qq-mini:probe"
  try {
    await get(collection, _id)
    return true
  } catch (error) {
    if (!isMissing(error)) throw error
  }
  try {
    check(await collection.add({ _id }))
    check(await collection.where({ _id }).remove())
    return true
  } catch (error) {
    if (!isMissing(error)) throw error
    return false
  }
}

/** An error of the database by its code alone, since its message may hold a token. */
export const failure = (
  operation: TokenCacheError["operation"],
  error: unknown,
  collection: string
): TokenCacheError => {
  const problem = isMissing(error)
    ? `the collection ${collection} does not exist: ${howToCreate.en} / ${howToCreate.zh}`
    : shown(error, uniCloudDatabase)
  return new TokenCacheError({ operation, problem })
}
