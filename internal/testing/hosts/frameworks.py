"""Plays an agent of a Python framework with the code of examples/wiring/python.md.

    python frameworks.py FRAMEWORK PAGE URL

The code is run as it is written, and must find the tools that it names. Then it is run
once more with all tools, for a model at URL. The variables of the environment are
those of the servers.
"""

import ast
import asyncio
import os
import re
import sys

framework, page, url = sys.argv[1:]
task = "Handle the incident."


def written(change=lambda code: code):
    """The value of the framework's code on the page."""
    blocks = re.findall(r"```python\n# (\S+)\n(.*?)```", open(page).read(), re.S)
    tree = ast.parse(change(dict(blocks)[framework]))
    last = ast.Expression(tree.body.pop().value)
    names = {"env": dict(os.environ)}
    exec(compile(tree, page, "exec"), names)
    return eval(compile(last, page, "eval"), names)


def everything(code):
    changed = code.replace('"thehive-mcp"', '"soc-mcp"').replace('["-toolsets", "cases,alerts"]', "[]")
    if changed.count("soc-mcp") != 1 or "toolsets\"" in changed:
        sys.exit("the page has another server than was thought:\n" + code)
    return changed


async def openai_agents():
    from agents import Agent, OpenAIChatCompletionsModel, Runner, set_tracing_disabled
    from openai import AsyncOpenAI

    set_tracing_disabled(True)
    async with written() as server:
        yield [tool.name for tool in await server.list_tools()]
    async with written(everything) as server:
        model = OpenAIChatCompletionsModel("model", AsyncOpenAI(base_url=url + "/v1", api_key="key"))
        await Runner.run(Agent("analyst", mcp_servers=[server], model=model), task, max_turns=100)


async def pydantic_ai():
    from pydantic_ai import Agent, UsageLimits
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    async with written() as toolset:
        yield [tool.name for tool in await toolset.list_tools()]
    model = OpenAIChatModel("model", provider=OpenAIProvider(base_url=url + "/v1", api_key="key"))
    await Agent(model, toolsets=[written(everything)]).run(task, usage_limits=UsageLimits(request_limit=100))


async def langchain():
    from langchain.agents import create_agent
    from langchain_openai import ChatOpenAI

    yield [tool.name for tool in await written().get_tools()]
    model = ChatOpenAI(model="model", base_url=url + "/v1", api_key="key")
    agent = create_agent(model, await written(everything).get_tools())
    await agent.ainvoke({"messages": [("user", task)]}, {"recursion_limit": 200})


async def main():
    play = {"openai-agents": openai_agents, "pydantic-ai": pydantic_ai, "langchain-mcp-adapters": langchain}[framework]
    async for names in play():
        if "thehive_get_case" not in names or "list_agents" in names:
            sys.exit(f"the page's server has other tools than it names: {names}")


asyncio.run(main())
