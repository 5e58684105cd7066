"""`trialsmith report`."""

from trialsmith.cli.app import Storage, Study, app, opened_study, refuse


@app.command()
def report(study: Study, storage: Storage = None) -> None:
    """Write all files of a study anew from its storage, and show what came out."""
    from rich.console import Console

    from trialsmith.study.figures import PAGES
    from trialsmith.study.folder import StudyFolder
    from trialsmith.study.report import NAME
    from trialsmith.study.stages.report import report as comparison_of
    from trialsmith.study.stages.stage import STAGE
    from trialsmith.study.summary import last_screen

    folder, opened = opened_study(study, storage)
    try:
        table = StudyFolder(folder).update(opened)
    except OSError as error:
        reason = error.strerror or error
        refuse(f"{folder} cannot be written: {reason}; to look alone: trialsmith status {study}")
    console = Console()
    console.print(last_screen(table, folder), crop=False)
    for page in (NAME, *PAGES):
        console.print(f"Page       {folder / page}", highlight=False, soft_wrap=True)
    if STAGE in opened.user_attrs:
        console.print(comparison_of(opened, folder), crop=False)
