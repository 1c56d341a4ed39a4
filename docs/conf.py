"""How the documentation is built: ``sphinx-build -W --keep-going -b html docs docs/_build``."""

import os
import warnings

import matplotlib

import skvae

os.environ.setdefault("OMP_NUM_THREADS", str(os.cpu_count()))
warnings.filterwarnings("ignore", message=".*non-interactive.*", category=UserWarning)  # examples draw to files

project = "skvae"
author = "The skvae developers"
copyright = "the skvae developers"
version = release = skvae.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx-mathjax-offline",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
]
myst_enable_extensions = ["dollarmath", "amsmath", "colon_fence", "deflist"]
myst_heading_anchors = 3
exclude_patterns = ["_build", "_templates", "README.md"]
templates_path = ["_templates"]
root_doc = "index"

# API pages
autosummary_generate = True
autodoc_typehints = "none"  # docstrings say it
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
add_module_names = False


# the gallery: the build runs the examples
def keep_labels(gallery_conf, file_name):
    """Pictures with all of their labels."""
    matplotlib.rcParams["savefig.bbox"] = "tight"


sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "within_subsection_order": "FileNameSortKey",
    "filename_pattern": r"/\d\d_",
    "download_all_examples": False,
    "remove_config_comments": True,
    "show_signature": False,
    "show_memory": False,
    "reset_modules": ("matplotlib", keep_labels),
    "min_reported_time": 1e6,  # seconds: those of a build say nothing of the reader's machine
    "capture_repr": ("_repr_html_",),
    "copyfile_regex": r"",
    "plot_gallery": os.environ.get("SKVAE_GALLERY", "1") == "1",
}
suppress_warnings = ["config.cache"]

# look
html_theme = "pydata_sphinx_theme"
html_title = "skvae"
html_static_path = ["_static"]
html_css_files = ["skvae.css"]
html_show_sourcelink = False
html_theme_options = {
    "logo": {"text": "skvae"},
    "navbar_align": "left",
    "navbar_end": ["theme-switcher"],
    "header_links_before_dropdown": 7,
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "tango",
}
html_sidebars = {
    "index": [],
    "install": [],
    "faq": [],
    "theory": [],
    "auto_examples/**": [],
    "auto_examples/index": [],
}


def skip_requests(app, what, name, obj, skip, options):
    """Leave out scikit-learn's ``set_fit_request`` and its like, which refer to pages of its own."""
    return True if name.startswith("set_") and name.endswith("_request") else skip


def setup(app):
    """Called by Sphinx."""
    app.connect("autodoc-skip-member", skip_requests)
