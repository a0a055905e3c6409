/** A peer that brings no types. */
declare module "co-wechat-api" {
  const WeChat: any
  export default WeChat
}
