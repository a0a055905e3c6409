/** Reads server-sent events. */

export interface Event {
  readonly event: string
  readonly id: string | undefined
  readonly data: any
}

const fieldOf = (block: string, name: string) => new RegExp(`^${name}: (.*)$`, "m").exec(block)?.[1]

/** Reads the events of a sandbox until there are enough. */
export const readEvents = async (
  url: string,
  isEnough: (events: ReadonlyArray<Event>) => boolean,
  lastId?: string
): Promise<ReadonlyArray<Event>> => {
  const headers = lastId === undefined ? {} : { "last-event-id": lastId }
  const response = await fetch(`${url}/sandbox/events`, { headers })
  const events: Array<Event> = []
  let text = ""
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    const blocks = (text + chunk).split("\n\n")
    text = blocks.pop()!
    for (const block of blocks) {
      const event = fieldOf(block, "event")
      const data = fieldOf(block, "data")
      if (event && data) events.push({ event, id: fieldOf(block, "id"), data: JSON.parse(data) })
    }
    if (isEnough(events)) break
  }
  return events
}
