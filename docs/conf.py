import re
import sys
from importlib.metadata import version as installed_version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from docutils.nodes import reference as link_node
from sphinx.addnodes import pending_xref
from sphinx.ext.napoleon import Config, GoogleDocstring

from tools import reference

project = "chatplug"
copyright = "the chatplug contributors"  # noqa: A001  # the name Sphinx reads
release = installed_version("chatplug")
version = release

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx_copybutton",
    "sphinx_design",
]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]

myst_enable_extensions = ["attrs_block", "colon_fence", "deflist"]
myst_heading_anchors = 3

autodoc_class_signature = "mixed"
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_default_options = {"exclude-members": "__new__, __init__"}
python_maximum_signature_line_length = 80
add_module_names = False
toc_object_entries_show_parents = "hide"

nitpicky = True
# Every name in a signature leads somewhere, but for these.
nitpick_ignore_regex = [
    # Only the host makes these and hands them on; who has one in hand reads the methods, not the type.
    (
        "py:class",
        r"(.*\.)?(Announced|Answer|Arguments|Connection|CountsTokens|Deadline|Event|Facts|Hearing|Life|Piece)",
    ),
    ("py:class", r"(.*\.)?(Plugin|ProfiledModel|Redactor|Store|Table|ToldFacts|Tokens|Trouble|Value)"),
    ("py:class", r"(.*\.)?(AIMessageChunkFields|AsyncFakeStream|FakeStream|P)"),
    # Fixtures of the contract of transports.
    ("py:class", r"chatplug\.testing\.transport_contract\.ways\.(Authority|Proxy)"),
    # Private, and shown where a public function takes or gives them.
    ("py:class", r"(.*\.)?_[A-Z]\w*"),
]

html_theme = "furo"
html_title = "chatplug"
html_favicon = "_static/icon.svg"
html_use_index = False
html_copy_source = False
html_show_sourcelink = False
html_static_path = ["_static"]
html_css_files = ["site.css"]

copybutton_prompt_text = "$ "
copybutton_only_copy_prompt_lines = True
copybutton_line_continuation_character = "\\"


SECTIONS = Config(napoleon_use_rtype=False, napoleon_use_ivar=True)
PYTHON = "https://docs.python.org/3/"


def setup(app):
    app.connect("source-read", expand)
    app.connect("autodoc-process-docstring", write)
    app.connect("autodoc-process-signature", shorten)
    app.connect("autodoc-process-bases", tell_bases)
    app.connect("doctree-read", be_exact)
    app.connect("missing-reference", resolve, priority=400)  # before Sphinx makes plain text of what is built in


def expand(app, page, source):
    if page.startswith("reference/"):
        source[0] = reference.expanded(source[0])


def write(app, what, name, value, options, lines):
    lines[:] = reference.linked(lines)
    if what not in {"attribute", "data", "property"}:  # there a colon in the first line is no type
        lines[:] = GoogleDocstring(lines, SECTIONS, app, what, name, value, options).lines()


def shorten(app, what, name, value, options, signature, returns):
    if not signature:
        return None
    if not reference.has_signature(value):
        return "", None
    return re.sub(r"<(?:[^<>]|<[^<>]*>)*>", "...", signature), returns  # what stands for itself only in memory


def tell_bases(app, name, value, options, bases):
    bases[:] = reference.public_bases(bases)


def be_exact(app, doctree):
    """Sphinx 9.0 searches for names that end in the same way where `refspecific` is said, though it be False."""
    for node in doctree.findall(pending_xref):
        if node.get("refspecific") is False:
            del node["refspecific"]


def resolve(app, env, node, contnode):
    """Annotations name what is imported: in private modules, in Python and in other libraries."""
    if node.get("refdomain") != "py":
        return None
    name = node["reftarget"]
    path = reference.described(name)
    if path is not None:
        domain = env.get_domain("py")
        return domain.resolve_xref(env, node["refdoc"], app.builder, "obj", path, node, contnode)
    if reference.is_type_variable(name):
        return contnode
    page = reference.python_page(name)
    if page is not None:
        return link_node("", "", contnode, internal=False, refuri=PYTHON + page)
    return contnode if reference.is_foreign(name) else None
