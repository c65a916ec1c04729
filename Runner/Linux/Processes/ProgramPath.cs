using System.Runtime.InteropServices;
using Runner.Linux.Native;

namespace Runner.Linux.Processes;

/// <summary>Finds a program the way a shell does (execvp(3)), but never in the current folder.</summary>
static class ProgramPath
{
    /// <param name="command">Absolute, or a name without '/'.</param>
    /// <param name="path">Folders with ':' between; relative ones are passed over.</param>
    /// <exception cref="SpawnException">No folder has it, or only one that is not executable.</exception>
    public static string Resolve(string command, string path)
    {
        if (command.StartsWith('/')) return command;
        var problem = Errno.ENOENT;
        foreach (var folder in path.Split(':'))
        {
            if (!folder.StartsWith('/')) continue;
            var candidate = Path.Combine(folder, command);
            if (Directory.Exists(candidate)) continue;

            // The kernel is asked, not the file's mode: a link may lead nowhere, and the file may go at any moment.
            if (Libc.Access(candidate, Libc.MayExecute) == 0) return candidate;
            if (Marshal.GetLastPInvokeError() == (int)Errno.EACCES) problem = Errno.EACCES;
        }
        throw new SpawnException(SpawnStep.Exec, problem, problem is Errno.ENOENT ? null : command);
    }
}
