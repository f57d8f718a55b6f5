using System;
using System.IO;
using System.Security.AccessControl;
using System.Security.Principal;
using System.Text;

namespace MagicBellJwt.Sandbox.Server;

/// <summary>A file with a secret in it: nobody but its owner can read it at any moment, and no reader finds half of it.</summary>
internal static class AdministratorTokenFile
{
    public static void Write(string path, string token)
    {
        string unfinished = path + "." + Guid.NewGuid().ToString("N");
        using (FileStream file = CreateForOwner(unfinished))
        {
            file.Write(Encoding.ASCII.GetBytes(token));
        }

        File.Move(unfinished, path, overwrite: true);
    }

    private static FileStream CreateForOwner(string path)
    {
        if (!OperatingSystem.IsWindows())
        {
            return new FileStream(path, new FileStreamOptions
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.Write,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            });
        }

        var security = new FileSecurity();
        security.SetAccessRuleProtection(isProtected: true, preserveInheritance: false);
        security.AddAccessRule(new FileSystemAccessRule(WindowsIdentity.GetCurrent().User!, FileSystemRights.FullControl, AccessControlType.Allow));
        return new FileInfo(path).Create(FileMode.CreateNew, FileSystemRights.FullControl, FileShare.None, 4096, FileOptions.None, security);
    }
}
