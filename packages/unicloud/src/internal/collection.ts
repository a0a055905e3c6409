/** Access to the cloud database that works alike on all providers. */
import { matches, shown, uniCloudDatabase } from "@qq-mini/core/adapter/shown"
import { TokenCacheError } from "@qq-mini/core/TokenCache"
import type { Collection, Document } from "../UniCloud.ts"

/** How to create a missing collection, in English and Chinese. */
export const howToCreate = {
  en: "create it in the uniCloud web console (Database > New collection), or upload its schema from uniCloud/database",
  zh: "请在 uniCloud web 控制台“云数据库”中新建该集合，或上传 uniCloud/database 下对应的 schema"
}

/** Throws the answer if it is an error, because one provider resolves with errors where the others reject. */
export const check = <A>(answer: A): A => {
  if ((answer as { readonly code?: unknown } | undefined)?.code) throw answer
  return answer
}

/** Reads the document with this `_id`. Returns an array, which is empty if there is none. */
export const get = async (collection: Collection, id: string): Promise<ReadonlyArray<Document>> =>
  check(await collection.doc(id).get()).data

const missingCollection =
  /collection.{0,80}(not\s*(exist|found)|non-?exist)|not found collection|COLLECTION_NOT_EXIST|集合.{0,20}不存在/i

const isMissing = (error: unknown): boolean => matches(error, missingCollection)

/** Whether the collection exists. On providers where the first document creates it, such as aliyun, this creates it. */
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

/** Describes a database error. It shows only a known code, because the message may contain a token. */
export const problemOf = (error: unknown, collection: string): string =>
  isMissing(error)
    ? `the collection ${collection} does not exist: ${howToCreate.en} / ${howToCreate.zh}`
    : shown(error, uniCloudDatabase)

/** Makes a `TokenCacheError` from a database error. */
export const failure = (operation: TokenCacheError["operation"], error: unknown, collection: string): TokenCacheError =>
  new TokenCacheError({ operation, problem: problemOf(error, collection) })
